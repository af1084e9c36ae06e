"""Domain and problem files as values of `planbench.core.syntax`.

A file's sections may come in any order; `:requirements`, `:parameters` and `:precondition` may be missing, facts and
objects may be repeated, types and whatever else may be used without being required, a problem may have the `:length` of
old files, which says nothing about its plans. Such liberties are noted in the result. What a file *uses* beyond
`SUPPORTED_REQUIREMENTS`, or declares to use, is refused by name.

Typed variables are read by the `pddl` package (`planbench.core.grammar`), formulas by `planbench.core.formulas`, plain
lists by `planbench.core.sections`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from planbench.core import requirements
from planbench.core.check import Checker, check_parameters, is_number, unsupported
from planbench.core.formulas import Reader, quantified
from planbench.core.rules import check_stratified
from planbench.core.sections import (
    Notes,
    action_parts,
    definition,
    read_objects,
    read_requirements,
    read_types,
    sections,
    skeletons,
)
from planbench.core.survey import effects_in, survey
from planbench.core.syntax import (
    OBJECT,
    TOTAL_COST,
    TOTAL_TIME,
    Action,
    Atom,
    Domain,
    Expression,
    Fact,
    Not,
    Parameter,
    Problem,
    Rule,
    supertypes,
    types_above,
)
from planbench.core.tree import Group, Text

_DOMAIN_SECTIONS = {":requirements", ":types", ":constants", ":predicates", ":functions"}
_PROBLEM_SECTIONS = {":domain", ":requirements", ":objects", ":init", ":goal", ":metric", ":length"}


@lru_cache(maxsize=32)
def read_domain(text: str, source: str = "domain") -> Domain:
    """A domain from PDDL text; `source` names it in messages. Raises PddlError and UnsupportedPddl."""
    from planbench.core import grammar  # pddl takes 0.2 s to import

    file = Text(text, source)
    notes = Notes(file)
    root, name = definition(file, "domain")
    once, many = sections(file, root, _DOMAIN_SECTIONS, (":action", ":derived"))
    declared = read_requirements(file, once)
    types = read_types(file, once.get(":types"), notes)
    above = supertypes(types)
    constants = read_objects(file, once.get(":constants"), above, {}, notes)
    known = types_above(above, constants.values())
    predicates = skeletons(file, once.get(":predicates"), typed=False)
    functions = skeletons(file, once.get(":functions"), typed=True)
    actions = action_parts(file, many[":action"])
    rules = [_rule_parts(file, group) for group in many[":derived"]]

    lists = [(parts.get(":parameters", Group.empty(group.at)), 0) for group, parts in actions]
    lists += [(head, 1) for head, _ in rules]
    bodies = [parts.get(key) for _, parts in actions for key in (":precondition", ":effect")]
    lists += [(found, 0) for body in [*bodies, *(body for _, body in rules)] for found in quantified(body)]
    for group in [*predicates, *functions, *(group for group, _ in lists)]:
        check_parameters(file, group, above)
    read = grammar.read_declarations(file, types, predicates, functions, lists)

    checker = Checker(file, known, constants, read.predicates, read.functions)
    reader = Reader(checker, read.lists)
    derived = tuple(
        _rule(reader, head, body, group) for (head, body), group in zip(rules, many[":derived"], strict=True)
    )
    domain = Domain(
        name=name,
        types=types,
        constants=constants,
        predicates=read.predicates,
        functions=read.functions,
        actions={str(group[1]): _action(reader, group, parts) for group, parts in actions},
        rules=derived,
    )
    _check_derived(file, domain, many)
    used = requirements.used(domain)
    if _typed(once.get(":constants"), *predicates, *(group for group, _ in lists)):
        used |= {":typing"}
    if missing := sorted(used - requirements.implied(declared)):
        notes.add(f"{' '.join(missing)} is used, but not required")
    return requirements.completed(domain, declared, notes.lines())


def _typed(*groups: Group | None) -> bool:
    """Whether types are named, be it only `object`."""
    return any(group is not None and "-" in group for group in groups)


def _action(reader: Reader, group: Group, parts: Mapping[str, Group]) -> Action:
    parameters = reader.lists[parts[":parameters"].at if ":parameters" in parts else group.at]
    scope = {parameter.name: parameter for parameter in parameters}
    empty = Group()
    return Action(
        str(group[1]),
        parameters,
        reader.condition(parts.get(":precondition", empty), group, 0, scope),
        reader.effect(parts.get(":effect", empty), group, 0, scope),
    )


def _rule_parts(file: Text, group: Group) -> tuple[Group, Group]:
    """Head and body of `(:derived (p ?x - t) body)`."""
    head, body = (group[1], group[2]) if len(group) == 3 else ("", "")
    if isinstance(head, str) or isinstance(body, str):
        raise file.fault("expected (:derived (PREDICATE ...) CONDITION)", group)
    if not head.head:
        raise file.fault("expected a predicate after (", head)
    return head, body


def _rule(reader: Reader, head: Group, body: Group, group: Group) -> Rule:
    text, predicates = reader.text, reader.checker.predicates
    if head.head not in predicates:
        raise text.fault(f"undeclared predicate {head.head}", head, 0)
    wanted, given = predicates[head.head], reader.lists[head.at]
    if len(given) != len(wanted):
        plural = "" if len(wanted) == 1 else "s"
        raise text.fault(f"predicate {head.head} takes {len(wanted)} argument{plural}, got {len(given)}", head)
    # A variable without a type is of the type that the predicate is declared with.
    parameters = tuple(
        Parameter(ours.name, theirs.types if ours.types == (OBJECT,) else ours.types)
        for ours, theirs in zip(given, wanted, strict=True)
    )
    scope = {parameter.name: parameter for parameter in parameters}
    return Rule(head.head, parameters, reader.condition(body, group, 2, scope))


def _check_derived(file: Text, domain: Domain, many: Mapping[str, list[Group]]) -> None:
    """No action changes what rules derive, and no predicate hangs on its own negation."""
    derived = {rule.predicate for rule in domain.rules}
    for group, action in zip(many[":action"], domain.actions.values(), strict=True):
        for part, _ in effects_in(action.effect):
            atom = part.operand if isinstance(part, Not) else part
            if isinstance(atom, Atom) and atom.predicate in derived:
                raise file.fault(f"action {action.name} changes {atom.predicate}, which is derived", group)
    if culprit := check_stratified(domain.rules):
        rule = next(k for k, rule in enumerate(domain.rules) if rule.predicate == culprit)
        raise file.fault(f"derived predicate {culprit} depends on its own negation", many[":derived"][rule])


def read_problem(text: str, domain: Domain, source: str = "problem") -> Problem:
    """A problem of `domain` from PDDL text. Raises PddlError and UnsupportedPddl."""
    file = Text(text, source)
    notes = Notes(file)
    root, name = definition(file, "problem")
    once, _ = sections(file, root, _PROBLEM_SECTIONS)
    for needed in (":domain", ":init", ":goal"):
        if needed not in once:
            raise file.fault(f"problem {name} has no ({needed} ...)", root)
    of = once[":domain"].words() or ()
    if len(of) != 2 or of[1] != domain.name:
        what = f"a problem of domain {' '.join(of[1:]) or '?'}, but the domain given is {domain.name}"
        raise file.fault(what, once[":domain"])
    read_requirements(file, once)
    if _typed(once.get(":objects")) and ":typing" not in requirements.implied(domain.requirements):
        notes.add(":typing is used, but not required")
    known = survey(domain)
    objects = read_objects(file, once.get(":objects"), known.above, domain.constants, notes)
    everything = {**domain.constants, **objects}
    above = types_above(known.above, everything.values())
    checker = Checker(file, above, everything, domain.predicates, domain.functions, known.shapes)
    init, values = _init(file, once[":init"], checker, {rule.predicate for rule in domain.rules}, notes)
    section = once[":goal"]
    goal = section[1] if len(section) == 2 else ""
    if isinstance(goal, str):
        raise file.fault("expected one condition in (:goal ...)", section)
    reader = Reader(checker, _lists(file, quantified(goal), domain.types, above))
    metric, maximize = _metric(file, once.get(":metric"), reader)
    return Problem(
        name=name,
        domain_name=domain.name,
        objects=objects,
        init=init,
        goal=reader.condition(goal, section, 1, {}),
        values=values,
        metric=metric,
        maximize=maximize,
        notes=notes.lines(),
    )


def _lists(
    file: Text, groups: Iterable[Group], types: Iterable[str], above: Mapping[str, frozenset[str]]
) -> dict[int, tuple[Parameter, ...]]:
    """The variables of a goal's quantifiers; most goals have none."""
    lists = [(group, 0) for group in groups]
    if not lists:
        return {}
    from planbench.core import grammar  # pddl takes 0.2 s to import

    for group, _ in lists:
        check_parameters(file, group, above)
    return grammar.read_declarations(file, types, (), (), lists).lists


def _init(
    file: Text, section: Group, checker: Checker, derived: set[str], notes: Notes
) -> tuple[tuple[Fact, ...], dict[Fact, float]]:
    facts: dict[Fact, None] = {}
    values: dict[Fact, float] = {}
    for k, group in enumerate(section[1:], start=1):
        if isinstance(group, str):
            raise file.fault(f"expected a fact in parentheses, found {group}", section, k)
        match group.head:
            case "=":
                fact, value = _value(file, group, checker)
                if fact in values:
                    if values[fact] != value:
                        raise file.fault(f"a second value of ({' '.join(fact)})", group)
                    notes.add(f"the value of ({' '.join(fact)}) is given twice", group)
                values[fact] = value
            case "not":
                absent = group[1] if len(group) == 2 else ""
                if isinstance(absent, str):
                    raise file.fault("expected one fact after not", group)
                checker.atom(absent, {})
            case "at" if len(group) == 3 and isinstance(group[1], str) and isinstance(group[2], Group):
                unsupported(file, "a timed initial literal", group)
            case _:
                atom = checker.atom(group, {})
                fact = (atom.predicate, *atom.terms)
                if fact in facts:
                    notes.add(f"({' '.join(fact)}) is given twice", group)
                if group.head in derived:
                    raise file.fault(f"{group.head} is derived, and cannot be given", group)
                facts[fact] = None
    return tuple(facts), values


def _value(file: Text, group: Group, checker: Checker) -> tuple[Fact, float]:
    """`(= (f a) 5)` or `(= f 5)`."""
    function, number = (group[1], group[2]) if len(group) == 3 else ("", "")
    if isinstance(number, Group) or not is_number(number) or len(number) > 100:
        raise file.fault("expected (= (function ...) number)", group)
    if isinstance(function, str):
        if checker.functions.get(function) != ():
            raise file.fault(f"undeclared function {function}", group, 1)
        return (function,), float(number)
    checker.function(function, {})
    return function.words() or (), float(number)


def _metric(file: Text, group: Group | None, reader: Reader) -> tuple[str | Expression | None, bool]:
    """What is to be minimised or, with True, to be maximised."""
    if group is None:
        return None, False
    if len(group) != 3 or group[1] not in ("minimize", "maximize"):
        raise file.fault("expected (:metric minimize ...) or (:metric maximize ...)", group)
    maximize = group[1] == "maximize"
    what = group[2]
    words = (what.words() or ()) if isinstance(what, Group) else (what,)
    if words == (TOTAL_TIME,):
        return TOTAL_TIME, maximize
    functions = {**reader.checker.functions, TOTAL_TIME: ()}
    checker = Checker(file, reader.checker.above, reader.checker.objects, reader.checker.predicates, functions)
    metric = Reader(checker, {}).expression(group, 2, {})
    return (TOTAL_COST if words == (TOTAL_COST,) else metric), maximize
