"""Derived predicates: the order in which they are computed, and that there is one (stratification).

Predicates that depend on each other form a component; components come after those that they depend on. Within one, no
predicate may depend on the negation of another: what holds is then the least fixpoint, component after component
(Thiébaux, Hoffmann and Nebel, "In defense of PDDL axioms", 2005).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planbench.core.syntax import And, Atom, Exists, Forall, Formula, Not, Or, Rule


def check_stratified(rules: Sequence[Rule]) -> str | None:
    """A derived predicate that depends on its own negation, None where there is none."""
    component = {name: k for k, names in enumerate(components(rules)) for name in names}
    for rule in rules:
        for name, negative in _dependencies(rule.body):
            if negative and component.get(name) == component[rule.predicate]:
                return rule.predicate
    return None


def components(rules: Sequence[Rule]) -> list[list[str]]:
    """The derived predicates, those that depend on each other together, after all that they depend on."""
    needs: dict[str, dict[str, None]] = {rule.predicate: {} for rule in rules}
    for rule in rules:
        for name, _ in _dependencies(rule.body):
            if name in needs:
                needs[rule.predicate][name] = None
    return list(_strongly_connected(needs))


def _strongly_connected(edges: Mapping[str, Mapping[str, None]]) -> Iterator[list[str]]:
    """Tarjan's algorithm, without recursion: a chain of rules may be longer than the interpreter's stack is deep."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    done: set[str] = set()
    for root in edges:
        work = [(root, iter(edges[root]))] if root not in number else []
        while work:
            name, following = work[-1]
            if name not in number:
                number[name] = lowest[name] = len(number)
                stack.append(name)
            for other in following:
                if other not in number:
                    work.append((other, iter(edges[other])))
                    break
                if other not in done:
                    lowest[name] = min(lowest[name], number[other])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    found = [stack.pop()]
                    while found[-1] != name:
                        found.append(stack.pop())
                    done.update(found)
                    yield found


def _dependencies(body: Formula) -> Iterator[tuple[str, bool]]:
    """The predicates in a body, each with whether it stands under an odd number of negations."""
    pending: list[tuple[Formula, bool]] = [(body, False)]
    while pending:
        part, negative = pending.pop()
        match part:
            case Atom(predicate):
                yield predicate, negative
            case Not(operand):
                pending.append((operand, not negative))
            case And(operands) | Or(operands):
                pending.extend((operand, negative) for operand in operands)
            case Exists(_, inner) | Forall(_, inner):
                pending.append((inner, negative))
            case _:
                pass
