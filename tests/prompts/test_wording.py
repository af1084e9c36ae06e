"""Wordings: the built-in ones are whole and tell facts apart, faults in a file are one line, any domain has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from planbench.core.parse import read_domain
from planbench.errors import InputError
from planbench.paths import domains_dir
from planbench.prompts.wording import generic_wording, load_wording, read_wording
from tests.prompts.tasks import example
from tests.prompts.test_rename import COSTS

BUILT_IN = sorted(path.name for path in domains_dir().iterdir() if (path / "domain.pddl").is_file())


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_wordings_leave_nothing_to_names(name: str) -> None:
    folder = domains_dir() / name
    domain = read_domain((folder / "domain.pddl").read_text(encoding="utf-8"))
    wording, generic = load_wording(folder, domain), generic_wording(domain)
    assert wording.intro != generic.intro
    for part in ("predicates", "steps", "rules"):
        said, bare = getattr(wording, part), getattr(generic, part)
        assert said.keys() == bare.keys()
        assert not [key for key in said if said[key] == bare[key]]
    assert len(set(wording.steps.values())) == len(wording.steps)


def test_nouns_stand_before_names_where_asked() -> None:
    of = example("parcels")
    assert of.wording.fact("at", ["t1", "ap1"], of.task.objects) == "truck t1 is at airport ap1"
    assert of.wording.step(("drive-truck", "t1", "ap1", "l1", "c1"), of.task.objects) == (
        "drive truck t1 from ap1 to l1 in city c1"
    )


def test_a_domain_without_wording_is_said_by_its_names() -> None:
    wording = generic_wording(read_domain(COSTS))
    assert wording.intro == "Every shop is a spot. Every home is a spot."
    assert wording.steps == {"walk": "do walk with {0}, {1}", "rest": "do rest"}
    assert wording.rules["walk"] == (
        "Here A is a spot, B is a home or a shop. Needed: here holds for A; A is not B; near holds for A, B; it is not "
        "the case that shut holds for B. Then: here holds for B. No longer: here holds for A. It costs the far of A, B."
    )
    assert wording.rules["rest"] == "Needed: here holds for base. It costs 1."


def test_a_wording_may_be_partial() -> None:
    wording = read_wording('[english.actions.walk]\nstep = "walk from {0} to {1}"\n', read_domain(COSTS))
    assert wording.steps == {"walk": "walk from {0} to {1}", "rest": "do rest"}


def test_kinds_are_said_wherever_a_rule_speaks_of_them() -> None:
    text = "[english]\nintro = 'A day.'\n[english.actions]\nwalk.rule = 'Walk.'\n"
    domain = read_domain(COSTS)
    assert read_wording(text, domain).intro == "A day. Every shop is a spot. Every home is a spot."
    assert read_wording(f"{text}rest.rule = 'Rest.'\n", domain).intro == "A day."


def test_a_parameter_of_several_types_has_no_noun() -> None:
    text = "[english]\npredicates.here = '{0:noun} is here'\nactions.walk.step = 'walk from {0:noun} to {1:noun}'\n"
    domain = read_domain(COSTS)
    wording = read_wording(text, domain)
    assert wording.step_form(domain.actions["walk"]) == "walk from spot A to B"
    assert "Then: B is here. No longer: spot A is here." in wording.rules["walk"]


def test_a_cost_that_hangs_on_nothing() -> None:
    domain = read_domain(COSTS.replace("(far ?a ?b - spot)", "(far)").replace("(far ?a ?b)", "(far)"))
    assert generic_wording(domain).rules["walk"].endswith("It costs the far.")


def test_a_folder_without_a_wording_file(tmp_path: Path) -> None:
    domain = read_domain(COSTS)
    assert load_wording(tmp_path, domain) == generic_wording(domain)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[english\n", "my.toml: not valid TOML"),
        pytest.param(f"a = {'[' * 5000}{']' * 5000}", "my.toml: not valid TOML", id="deep"),
        pytest.param(f"a = {'9' * 5000}", "my.toml: not valid TOML", id="long"),
        ("[compact]\nnest = [[1]]", r"my.toml: \[compact\] nest must be a list of predicates"),
        ("english = 3", "my.toml: english must be a table"),
        ("[english]\nintro = 3", r"my.toml: \[english\] intro must be a text"),
        ("[english]\ntitle = 'x'", r"\[english\] names title, which is not among the keys \(actions, intro"),
        (
            "[english.predicates]\nfar = 'x'",
            r"\[english.predicates\] names far, .*predicates of the domain \(here, near",
        ),
        ("[english.predicates]\nhere = 3", r"\[english.predicates\] here must be a text"),
        ("[english.predicates]\nhere = '{1} is here'", r"\{1\} is beyond its 1 arguments"),
        ("[english.predicates]\nhere = '{x} is here'", "a brace that is no placeholder"),
        ("[english.objects]\nthing = 'x'", r"\[english.objects\] names thing"),
        ("[english.actions.fly]\nstep = 'x'", r"\[english.actions\] names fly"),
        ("[english.actions.walk]\nstep = 'walk to {1}'", r"\[english.actions.walk\] step: \{0\} is missing"),
        ("[english.actions.walk]\nsteps = 'x'", r"\[english.actions.walk\] names steps"),
        ("[english.actions]\nwalk = 'x'", "walk must be a table"),
    ],
)
def test_faults_are_one_line_that_names_the_file(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_wording(text, read_domain(COSTS), "my.toml")
    assert str(caught.value).startswith("my.toml: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "domain.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"domain\.toml: cannot be read as text"):
        load_wording(tmp_path, read_domain(COSTS))
