"""What holds for every file of the project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400


def test_no_file_is_too_long_to_read() -> None:
    files = [path for top in ("planbench", "tests", "experiments") for path in (ROOT / top).rglob("*.py")]
    assert len(files) > 20
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_states_its_idea() -> None:
    mute = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "planbench").rglob("*.py")
        if not path.read_text(encoding="utf-8").lstrip().startswith('"""')
    ]
    assert mute == []


@pytest.mark.first
def test_types() -> None:
    """Among the tests, so that it has a core of its own beside them: it takes most of a minute."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    quiet = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_help_lists_what_there_is() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"eval", "test", "check", "bench", "smollm2", "setup", "clean"} <= set(listed.split())
