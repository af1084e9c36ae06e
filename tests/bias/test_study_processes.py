"""Processes that measure, and what becomes of them when one is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from planbench.bias.study import study
from planbench.errors import ProcessLost
from planbench.records.bias import CELLS
from tests.bias.test_study import CONFIG

_TWO = """
import sys
from pathlib import Path
from planbench.bias.study import study
from tests.bias.test_study import CONFIG
if __name__ == "__main__":
    study(CONFIG.model_copy(update={"examples": 200_000, "epochs": 50}), Path(sys.argv[1]), processes=2)
"""


def test_processes_end_with_the_one_that_began_them(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(_TWO)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, script, tmp_path / "run"], env=os.environ | {"PYTHONPATH": str(root)}
    ) as one:
        mine = psutil.Process(one.pid)
        workers: list[psutil.Process] = []
        while len(workers) < 2:
            assert one.poll() is None
            time.sleep(0.1)
            workers = [child for child in mine.children() if "spawn_main" in " ".join(child.cmdline())]
        while not (tmp_path / "run" / CELLS).read_text():  # past their start
            assert one.poll() is None
            time.sleep(0.1)
        one.kill()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive


def test_a_process_that_is_gone_is_said_in_a_line(tmp_path: Path) -> None:
    def end_one(done: float, total: float, note: str) -> None:
        for child in psutil.Process().children():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    slow = CONFIG.model_copy(update={"examples": 20_000, "epochs": 4, "seeds": (0, 1)})
    with pytest.raises(ProcessLost, match="perhaps for want of memory"):
        study(slow, tmp_path, end_one, processes=2)
