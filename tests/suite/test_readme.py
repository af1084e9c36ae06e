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
