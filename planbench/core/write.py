"""Domains and problems as PDDL text that any planner reads.

Reading what is written gives back the same value (conjunctions flattened, as reading does). In a domain with types
every variable and object names its type, `object` too, as VAL insists on it; in one without, none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from planbench.core.syntax import (
    Action,
    And,
    Arithmetic,
    Atom,
    Change,
    Compare,
    Domain,
    Effect,
    Equal,
    Exists,
    Expression,
    Fact,
    Forall,
    Not,
    Or,
    Parameter,
    Problem,
    Rule,
    When,
)


def domain_text(domain: Domain) -> str:
    """`domain` as a PDDL file."""
    typed = bool(domain.types)
    sections = [f"(:requirements {' '.join(sorted(domain.requirements))})"] if domain.requirements else []
    if domain.types:
        sections.append(_section(":types", [_types_line(*item) for item in domain.types.items()]))
    if domain.constants:
        sections.append(_section(":constants", _object_lines(domain.constants, typed)))
    if domain.predicates:
        sections.append(_section(":predicates", [_skeleton(*item, typed) for item in domain.predicates.items()]))
    if domain.functions:
        lines = [f"{_skeleton(*item, typed)} - number" for item in domain.functions.items()]
        sections.append(_section(":functions", lines))
    sections += [rule_text(rule, typed) for rule in domain.rules]
    sections += [_action_text(action, typed) for action in domain.actions.values()]
    body = "\n".join(_indented(section) for section in sections)
    return f"(define (domain {domain.name})\n{body})\n"


def problem_text(problem: Problem, domain: Domain) -> str:
    """`problem` as a PDDL file; types are written only where the domain has some."""
    typed = bool(domain.types)
    sections = [f"(:domain {problem.domain_name})"]
    if problem.objects:
        sections.append(_section(":objects", _object_lines(problem.objects, typed)))
    facts = [_fact(fact) for fact in problem.init]
    facts += [f"(= {_fact(function)} {number_text(value)})" for function, value in problem.values.items()]
    sections.append(_section(":init", facts))
    sections.append(f"(:goal {formula_text(problem.goal, typed)})")
    if problem.metric is not None:
        direction = "maximize" if problem.maximize else "minimize"
        sections.append(f"(:metric {direction} {metric_text(problem.metric)})")
    body = "\n".join(_indented(section) for section in sections)
    return f"(define (problem {problem.name})\n{body})\n"


def formula_text(formula: Effect, typed: bool = True) -> str:
    """A condition or an effect on one line. `typed`: quantified variables name their types."""
    match formula:
        case And(operands):
            return f"({' '.join(['and', *(formula_text(part, typed) for part in operands)])})"
        case Or(operands):
            return f"({' '.join(['or', *(formula_text(part, typed) for part in operands)])})"
        case Not(operand):
            return f"(not {formula_text(operand, typed)})"
        case Equal(left, right):
            return f"(= {left} {right})"
        case Atom(predicate, terms):
            return _fact((predicate, *terms))
        case Compare(operator, left, right):
            return f"({operator} {expression_text(left)} {expression_text(right)})"
        case Exists(parameters, body):
            return f"(exists ({_parameters(parameters, typed)}) {formula_text(body, typed)})"
        case Forall(parameters, body):
            return f"(forall ({_parameters(parameters, typed)}) {_effect_text(body, typed)})"
        case When(condition, effect):
            return f"(when {formula_text(condition, typed)} {_effect_text(effect, typed)})"
        case Change(operator, target, amount):
            return f"({operator} {formula_text(target)} {expression_text(amount)})"


def _effect_text(effect: Effect, typed: bool) -> str:
    """VAL reads no change of a number as an effect by itself, only within a conjunction."""
    return formula_text(And((effect,)) if isinstance(effect, Change) else effect, typed)


def expression_text(expression: Expression) -> str:
    """A number, a function or arithmetic on one line."""
    match expression:
        case Atom(name, terms):
            return _fact((name, *terms))
        case Arithmetic(operator, operands):
            return f"({' '.join([operator, *map(expression_text, operands)])})"
        case _:
            return number_text(expression)


def number_text(value: float) -> str:
    """Without exponent, and without a fraction where there is none."""
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def metric_text(metric: str | Expression) -> str:
    """What is to be minimised or maximised."""
    return f"({metric})" if isinstance(metric, str) else expression_text(metric)


def _fact(fact: Fact) -> str:
    return f"({' '.join(fact)})"


def _types_line(name: str, parents: tuple[str, ...]) -> str:
    return f"{name} - {_either(parents)}"


def _either(types: tuple[str, ...]) -> str:
    return types[0] if len(types) == 1 else f"(either {' '.join(types)})"


def _object_lines(objects: Mapping[str, str], typed: bool) -> list[str]:
    """Neighbours of one type share a line, so that the order is kept."""
    if not typed:
        return [" ".join(objects)]
    lines: list[tuple[str, list[str]]] = []
    for name, kind in objects.items():
        if not lines or lines[-1][0] != kind:
            lines.append((kind, []))
        lines[-1][1].append(name)
    return [f"{' '.join(names)} - {kind}" for kind, names in lines]


def _parameters(parameters: Iterable[Parameter], typed: bool) -> str:
    return " ".join(f"{each.name} - {_either(each.types)}" if typed else each.name for each in parameters)


def _skeleton(name: str, parameters: tuple[Parameter, ...], typed: bool) -> str:
    return f"({name} {_parameters(parameters, typed)})" if parameters else f"({name})"


def _action_text(action: Action, typed: bool) -> str:
    effect = action.effect if isinstance(action.effect, And) else And((action.effect,))
    return (
        f"(:action {action.name}\n"
        f"  :parameters ({_parameters(action.parameters, typed)})\n"
        f"  :precondition {formula_text(action.precondition, typed)}\n"
        f"  :effect {formula_text(effect, typed)})"
    )


def rule_text(rule: Rule, typed: bool) -> str:
    return f"(:derived {_skeleton(rule.predicate, rule.parameters, typed)}\n  {formula_text(rule.body, typed)})"


def _section(head: str, lines: list[str]) -> str:
    return "\n".join([f"({head}", *(f"  {line}" for line in lines)]) + ")"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
