"""Asking for help is instant: nothing heavy is imported, by any command."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from planbench.cli.group import COMMANDS, SAME

HEAVY = {
    "torch",
    "transformers",
    "tokenizers",
    "pddl",
    "lark",
    "rich",
    "pydantic",
    "numpy",
    "scipy",
    "matplotlib",
    "jinja2",
    "httpx2",
}
PROBE = """
import json, sys
from planbench.cli import main
code = main(sys.argv[1:])
print("\\n" + json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.mark.parametrize("argv", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, *argv], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["code"] == 0
    assert not HEAVY & set(found["modules"])
    assert done.stderr == ""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in SAME])
def test_every_command_says_how_it_is_configured(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "planbench", name, "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Usage: planbench {name}")
    assert "--config FILE.toml" in done.stdout
    assert f"PLANBENCH_{name.upper()}_" in done.stdout
