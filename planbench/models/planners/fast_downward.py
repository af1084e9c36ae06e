"""`planner:lama` and `planner:lmcut`: Fast Downward (https://www.fast-downward.org, GPL-3.0), as a program of its own.

It comes in the wheel `up-fast-downward`, of which nothing is imported: its driver is run in a temporary folder and in a
process group of its own, which is ended when the time is up. What counts is the plan file, whatever the exit code; the
exit code says why there is none. Fast Downward holds itself to the limit of memory, and to a little more than that of
time, in seconds of the processor, so that it also ends where this process is killed.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from planbench.core.plan import read_plan
from planbench.core.verdict import Plan
from planbench.core.write import domain_text, problem_text
from planbench.models.planners.limits import Answer, Limits, out_of_memory, out_of_time
from planbench.records import Request

UNSOLVABLE = {10, 11}
GAVE_UP = {12, 13}
OUT_OF_MEMORY = {20, 22}
OUT_OF_TIME = {21, 23, 24}
NOT_COVERED = {30, 31, 33, 34}
"""Exit codes of https://www.fast-downward.org/latest/documentation/exit-codes/ by what they say of the task. 30 and 31
are the translator's: it fails on what it does not cover. Any other one says that the program did not run."""

SPARE_SECONDS = 5

_BY_THE_DRIVER = re.compile(r"^INFO |exit code: |^Driver aborting|^Remove intermediate|^Peak memory")
"""Lines of a log that say nothing of a task."""


def lama(request: Request, limits: Limits) -> Answer:
    """The first plan of LAMA: found fast, not the shortest."""
    return run(request, limits, ["--alias", "lama-first"], [])


def lmcut(request: Request, limits: Limits) -> Answer:
    """A cheapest plan, by A* with LM-cut."""
    return run(request, limits, [], ["--search", "astar(lmcut())"])


def run(request: Request, limits: Limits, driver_options: list[str], search: list[str]) -> Answer:
    """What Fast Downward answers, called so."""
    task = request.task
    if task.goal_reached(task.initial):
        return Answer(())  # an empty goal becomes an axiom, which LM-cut does not cover
    try:
        with TemporaryDirectory(prefix="planbench-") as name:
            folder = Path(name)
            (folder / "domain.pddl").write_text(domain_text(task.domain), encoding="utf-8")
            (folder / "problem.pddl").write_text(problem_text(task.problem, task.domain), encoding="utf-8")
            command = [sys.executable, str(_driver()), *_limit_options(limits), "--plan-file", "plan"]
            code = _call([*command, *driver_options, "domain.pddl", "problem.pddl", *search], folder, limits.seconds)
            plan = _plan(folder / "plan")
            said = _last_word(folder / "log")
    except OSError as error:
        return Answer(None, f"Fast Downward could not be run: {error}", fault=True)
    return Answer(plan) if plan is not None else _without_plan(code, said, limits)


def _without_plan(code: int | None, said: str, limits: Limits) -> Answer:
    if code is None or code in OUT_OF_TIME:
        return Answer(None, out_of_time(limits), cut=True)
    if code in OUT_OF_MEMORY:
        return Answer(None, out_of_memory(limits), cut=True)
    if code in UNSOLVABLE:
        return Answer(None, "there is none, as Fast Downward found")
    if code in GAVE_UP:
        return Answer(None, "Fast Downward gave up")
    if code in NOT_COVERED:
        return Answer(None, f"Fast Downward does not cover this task ({said})")
    return Answer(None, f"Fast Downward ended with exit code {code} ({said})", fault=True)


def _driver() -> Path:
    """The program in the wheel. Found, not imported: the package's own module needs further ones."""
    spec = find_spec("up_fast_downward")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package up-fast-downward is not there")
    return Path(spec.submodule_search_locations[0]) / "downward" / "fast-downward.py"


def _limit_options(limits: Limits) -> list[str]:
    seconds = math.ceil(limits.seconds) + SPARE_SECONDS
    return ["--overall-time-limit", f"{seconds}s", "--overall-memory-limit", f"{limits.memory}M"]


def _call(command: list[str], folder: Path, seconds: float) -> int | None:
    """The exit code, None where the time was up. Neither the program nor what it started is left running."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            # Interrupted, the driver takes leave of its own child, which nobody else may do.
            _signal(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            return None
        finally:
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """To the whole group of the process, if any of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _plan(path: Path) -> Plan | None:
    """The plan in a plan file, None where there is none or it was not written to its end, which is a line on its
    cost."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return read_plan(text) if text.rpartition("\n; cost = ")[1] or text.startswith("; cost = ") else None


def _last_word(path: Path) -> str:
    """The last line of a log that says something, on its way to a message."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = (line.strip()[-200:] for line in reversed(lines) if not _BY_THE_DRIVER.search(line))
    return next(filter(None, telling), "it said nothing")
