"""The order of the objects in the compact style."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planbench.prompts.compact import Scene, name_objects, nested, prompt_words
from planbench.prompts.layout import Layout

NAMES = [f"o{index}" for index in range(8)]


def scene(init: list[tuple[str, ...]], goal: list[tuple[str, ...]] | None = None) -> Scene:
    return Scene("towers", dict.fromkeys(NAMES, "block"), init, goal or [])


@given(st.lists(st.tuples(st.sampled_from(["on", "near"]), st.sampled_from(NAMES), st.sampled_from([*NAMES, "zz"]))))
def test_every_object_stands_once_and_after_what_it_is_in(facts: list[tuple[str, ...]]) -> None:
    order = nested(scene(facts), ["on"])
    assert sorted(order) == NAMES
    within: dict[str, str] = {}
    for predicate, inner, outer in facts:
        if predicate == "on" and outer in NAMES:
            within.setdefault(inner, outer)
    place = {name: index for index, name in enumerate(order)}

    def roots(name: str) -> list[str]:
        path = [name]
        while path[-1] in within and within[path[-1]] not in path:
            path.append(within[path[-1]])
        return path

    for name in NAMES:
        path = roots(name)
        if path[-1] in within:  # in a circle, or in something that is
            continue
        assert [place[one] for one in path] == sorted((place[one] for one in path), reverse=True)
        # Whatever stands between an object and what it is in is in that, too.
        between = order[place[path[-1]] : place[name]]
        assert all(path[-1] in roots(one) for one in between)


def test_without_nesting_the_order_is_the_tasks() -> None:
    facts = [("on", "o1", "o7"), ("on", "o7", "o0")]
    assert nested(scene(facts), []) == NAMES
    assert nested(scene(facts), ["on"]) == ["o0", "o7", "o1", "o2", "o3", "o4", "o5", "o6"]


def test_a_circle_comes_last() -> None:
    facts = [("on", "o0", "o1"), ("on", "o1", "o0"), ("on", "o2", "o0"), ("on", "o3", "o3")]
    assert nested(scene(facts), ["on"]) == ["o4", "o5", "o6", "o7", "o0", "o1", "o2", "o3"]


def test_a_goal_nests_where_its_predicate_is_named_so() -> None:
    sent = scene([("on", "o1", "o7")], goal=[("on", "o1", "o2"), ("on", "o0", "o3"), ("near", "o4", "o7")])
    assert nested(sent, ["goal:on"]) == ["o2", "o1", "o3", "o0", "o4", "o5", "o6", "o7"]
    assert nested(sent, ["on", "goal:on"]) == ["o2", "o3", "o0", "o4", "o5", "o6", "o7", "o1"]
    assert nested(sent, ["goal:at"]) == NAMES


def test_what_is_recalled_stands_where_a_goal_names_it() -> None:
    objects = {"parcel": "package", "here": "place", "there": "place", "town": "city"}
    init = [("at", "parcel", "here"), ("in-city", "here", "town"), ("in-city", "there", "town")]
    sent = Scene("post", objects, init, [("at", "parcel", "there")])
    names = name_objects(objects)
    plain = "post package1 at place1 goal:at place2 place1 in-city city1 place2 in-city city1 plan"
    assert " ".join(prompt_words(sent, names)) == plain
    told = prompt_words(sent, names, Layout(omit=("at",), recall=("in-city",)))
    assert " ".join(told) == "post place1 in-city city1 place2 in-city city1 plan"
    told = prompt_words(sent, names, Layout(nest=("in-city", "at"), recall=("in-city",)))
    assert (
        " ".join(told) == "post place1 in-city city1 package1 at place1 goal:at place2 city1 place2 in-city city1 plan"
    )
