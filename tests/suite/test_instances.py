"""The problems that lie in `domains/`: what the generators write, and valid by us, by VAL and by the command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from planbench.cli import main
from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.val import val_verdicts
from planbench.paths import domains_dir
from planbench.suite import domain_names, read_folder


@pytest.mark.parametrize("domain", domain_names())
def test_their_plans_are_valid(domain: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = domains_dir() / domain
    tasks = read_folder(folder / "instances", folder / "domain.pddl")
    assert len(tasks) >= 3
    assert max(task.reference_length or 0 for task in tasks) >= 30
    for task in tasks:
        assert task.reference is not None
        assert task.id.startswith(f"{domain}-{task.reference.length:02d}-")
        parsed = read_domain(task.domain_pddl)
        ready = compile_task(parsed, read_problem(task.problem_pddl, parsed))
        assert judge(ready, task.reference.steps).kind == "valid"
        ((kind, _, _),) = val_verdicts(tmp_path, task.domain_pddl, task.problem_pddl, [task.reference.steps])
        assert kind == "valid"
        files = [folder / "domain.pddl", *(folder / "instances" / f"{task.id}{end}" for end in (".pddl", ".plan"))]
        assert main(["validate", *map(str, files)]) == 0
    assert capsys.readouterr().out.count("valid") >= len(tasks)


@pytest.mark.parametrize("domain", domain_names())
def test_the_commands_in_the_readme_make_them(domain: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^planbench (generate .*)$", (domains_dir() / "README.md").read_text(), re.MULTILINE)
    made: dict[str, bytes] = {}
    for number, command in enumerate(commands):
        assert main([*shlex.split(command.replace("DOMAIN", domain)), "--out", str(number)]) == 0
        made |= {path.name: path.read_bytes() for path in Path(str(number)).glob(f"{domain}-*")}
    kept = {path.name: path.read_bytes() for path in (domains_dir() / domain / "instances").iterdir()}
    assert made == kept
