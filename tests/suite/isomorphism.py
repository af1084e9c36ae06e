"""Whether two tasks are the same up to the names of objects: exact, by trying every renaming that is not ruled out.

Independent of `planbench.suite.canonical`, and exponential where that gives up: for small tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from planbench.suite.draft import Draft, Fact

Relation = frozenset[Fact]


def relation(draft: Draft) -> Relation:
    """Start and goal as one set of facts, told apart by their first word."""
    return frozenset({("start " + fact[0], *fact[1:]) for fact in draft.init}) | frozenset(
        {("goal " + fact[0], *fact[1:]) for fact in draft.goal}
    )


def isomorphic(one: Draft, two: Draft) -> bool:
    left, right = relation(one), relation(two)
    if Counter(fact[0] for fact in left) != Counter(fact[0] for fact in right):
        return False
    places, other_places = _places(one.objects, left), _places(two.objects, right)
    if Counter(places.values()) != Counter(other_places.values()):
        return False
    candidates = {name: [other for other, p in other_places.items() if p == places[name]] for name in one.objects}
    touching: dict[str, list[Fact]] = {name: [fact for fact in left if name in fact[1:]] for name in one.objects}
    return _extend({}, candidates, touching, right)


def _places(objects: Mapping[str, str], facts: Relation) -> dict[str, tuple[str, str]]:
    """Of each object its type and how often it stands at which place of which predicate."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in objects}
    for fact in facts:
        for place, name in enumerate(fact[1:]):
            counts[name][f"{fact[0]} {place}"] += 1
    return {name: (kind, repr(sorted(counts[name].items()))) for name, kind in objects.items()}


def _extend(
    renaming: dict[str, str], candidates: dict[str, list[str]], touching: dict[str, list[Fact]], right: Relation
) -> bool:
    """Whether a renaming of some objects can be completed. Both sides have equally many facts of a predicate, so it is
    enough that every fact of the left has its image on the right."""
    if len(renaming) == len(candidates):
        return True
    taken = set(renaming.values())

    def near(name: str) -> tuple[int, int]:
        known = sum(any(other in renaming for other in fact[1:]) for fact in touching[name])
        return -known, len(candidates[name])

    name = min((name for name in candidates if name not in renaming), key=near)
    for other in candidates[name]:
        if other in taken:
            continue
        renaming[name] = other
        if all(_kept(fact, renaming, right) for fact in touching[name]) and _extend(
            renaming, candidates, touching, right
        ):
            return True
        del renaming[name]
    return False


def _kept(fact: Fact, renaming: Mapping[str, str], right: Relation) -> bool:
    if any(name not in renaming for name in fact[1:]):
        return True
    return (fact[0], *(renaming[name] for name in fact[1:])) in right
