"""The example of a new domain in domains/README.md, followed to the letter."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.paths import domains_dir
from planbench.suite import GENERATORS, catalog, generate
from tests.prompts import test_wording
from tests.suite import test_generator
from tests.suite.shortest import shortest


def test_the_example_makes_a_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (domains_dir() / "README.md").read_text()
    pddl, toml, python = (
        textwrap.dedent(re.findall(rf"^   ```{kind}\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL)[0])
        for kind in ("pddl", "toml", "python")
    )
    (tmp_path / "lamps").mkdir()
    (tmp_path / "lamps" / "domain.pddl").write_text(pddl)
    (tmp_path / "lamps" / "domain.toml").write_text(toml)
    module = ModuleType("planbench.suite.lamps")
    exec(compile(python, "lamps.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(catalog, "domains_dir", lambda: tmp_path)
    monkeypatch.setitem(GENERATORS, "lamps", "planbench.suite.lamps:draft")
    made = generate("lamps", 30, plan_length=(2, 40)) + generate("lamps", 1, plan_length=(200, 200))
    made += [task for preset in ("tiny", "small", "easy") for task in generate("lamps", 30, preset=preset)]
    domain = read_domain(pddl)
    for task in made:
        ready = compile_task(domain, read_problem(task.problem_pddl, domain))
        assert task.reference is not None
        assert judge(ready, task.reference.steps).kind == "valid"
        if task.reference.length < 8:
            assert shortest(ready, 2500) in (None, task.reference.length)
    # What the page says that the tests hold a new domain to.
    for asked in test_generator.RANGES:
        test_generator.test_reference_plans_are_valid_and_of_the_length_asked_for("lamps", *asked)
        test_generator.test_no_task_occurs_twice_and_all_are_of_their_split("lamps", *asked)
    test_generator.test_short_plans_in_large_states("lamps")
    test_generator.test_sizes_are_those_that_the_domain_states("lamps")
    test_generator.test_splits_share_no_task("lamps")
    monkeypatch.setattr(test_wording, "domains_dir", lambda: tmp_path)
    test_wording.test_built_in_wordings_leave_nothing_to_names("lamps")
