from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from planbench.cli.doctor import EXTRAS, PACKAGES
from tests.cli.conftest import Shell

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    package.replace("_", "-").lower(): pin
    for package, pin in re.findall(r"^([^#=]+)==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}


def name(requirement: str) -> str:
    return re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0].replace("_", "-").lower()


def test_it_looks_for_what_the_package_asks_for() -> None:
    assert set(PACKAGES) == {name(requirement) for requirement in PROJECT["dependencies"]}


@pytest.mark.parametrize("package", EXTRAS)
def test_what_it_says_to_type_is_what_is_tested(package: str) -> None:
    assert EXTRAS[package][1].endswith(f"{package}=={PINS[package]}")


def test_everything_asked_for_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    # vLLM chooses the version of torch itself, so it cannot stand beside the one that is pinned.
    asked = [*PROJECT["dependencies"], *(each for name in extras.keys() - {"vllm"} for each in extras[name])]
    assert {name(requirement) for requirement in asked} <= PINS.keys()


def test_findings(planbench: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path / "cache"))
    outcome = planbench("doctor", "--json")
    report = json.loads(outcome.out)
    states = {finding["name"]: finding["state"] for finding in report["findings"]}
    assert states["python"] == states["pddl"] == states["torch loads"] == states["domains"] == states["cache"] == "ok"
    assert report["healthy"] == (outcome.code == 0) == ("missing" not in states.values())
    assert not (tmp_path / "cache").exists()


def test_what_is_missing_comes_with_what_to_type(
    planbench: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'OSError: libgomp.so.1: cannot open shared object file' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setenv("PLANBENCH_CACHE", "/dev/null/cache")
    monkeypatch.setitem(PACKAGES, "no-such-package-here", "nothing")
    outcome = planbench("doctor", "--json")
    found = {finding["name"]: finding for finding in json.loads(outcome.out)["findings"]}
    assert outcome.code == 1
    for thing, typed in (
        ("no-such-package-here", "pip install no-such-package-here"),
        ("torch loads", "pip install --force-reinstall torch"),
        ("cache", "export PLANBENCH_CACHE=FOLDER"),
    ):
        assert (found[thing]["state"], found[thing]["remedy"]) == ("missing", typed)
    assert "libgomp" in found["torch loads"]["detail"]
