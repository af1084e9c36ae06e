"""Any planner as a `Model`: a task in, plan text out.

A task that is not solved within the limits, or that the planner proves unsolvable or does not cover, gets a reply in
which nothing reads as a plan and which says why: that is the planner's failure. Where the planner cannot be run at all
the reply is an error of ours.

A limit of time makes a reply depend on the machine and on what else it does: of a task at the edge of the limit, two
runs may say different things.
"""

from __future__ import annotations

import difflib
import re
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from planbench.core.verdict import plan_text
from planbench.errors import InputError, MissingPackage
from planbench.models.base import refuse_thinking
from planbench.models.catalog import LoadOptions
from planbench.models.planners import PLANNERS, Entry
from planbench.models.planners.limits import Answer, Limits, Solver
from planbench.records import Reply, Request, SamplingSettings

LEAST_MEMORY = 64
"""In MB; Fast Downward does not start with much less."""
MOST_REASONS = 3
ARGS = {
    "seconds": "time for a task, a number above 0",
    "memory": f"for a task in MB, a number of {LEAST_MEMORY} or more",
}
EMPTY = "The plan is empty.\n"
"""The reply where the goal holds at the start: it is read as the plan of no steps, which no text at all is not."""


def load(name: str, options: LoadOptions) -> PlannerModel:
    """The planner `name`. Raises InputError for a name or a limit that there is not, MissingPackage where the package
    of the planner is not installed."""
    entry = PLANNERS.get(name)
    if entry is None:
        close = difflib.get_close_matches(name.lower(), PLANNERS, n=1)
        hint = f" (did you mean planner:{close[0]}?)" if close else ""
        raise InputError(f"planner:{name}: there is no such planner{hint}; there is: {', '.join(PLANNERS)}")
    if name == "policy":
        options.check_args("planner:policy", {})
        return PlannerModel(name, entry, None)
    options.check_args(f"planner:{name}", ARGS)
    return PlannerModel(name, entry, _limits(options))


class PlannerModel:
    """A planner, as a `Model`. `limits` None means that it needs none."""

    prompt_style = None
    max_context = None
    default_max_tokens = None

    def __init__(self, planner: str, entry: Entry, limits: Limits | None) -> None:
        self.name, self.limits, self._package = f"planner:{planner}", limits, entry.package
        self._version = _version(self.name, entry)
        module, _, attribute = entry.solver.partition(":")
        self._solve: Solver = getattr(import_module(module), attribute)
        parts = ["planner", planner, "1", self._version, str(limits) if limits else ""]
        self.fingerprint = "-".join(part for part in parts if part)
        self._without = Counter[Answer]()

    def describe(self) -> dict[str, str | int | float | bool | None]:
        return {
            "kind": "planner",
            "package": f"{self._package} {self._version}" if self._package else None,
            "seconds": self.limits.seconds if self.limits else None,
            "memory_mb": self.limits.memory if self.limits else None,
        }

    def notes(self) -> list[str]:
        """Why there are samples without a plan, the most frequent reasons first."""
        return [
            f"{self.name}: {count:,} sample{'' if count == 1 else 's'} without a plan: {answer.reason}"
            + ("; more by --model-arg seconds=N, memory=MB" if answer.cut else "")
            for answer, count in self._without.most_common(MOST_REASONS)
        ]

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        """As `Model.replies`; the settings change nothing, as a plan has no tokens."""
        refuse_thinking(self.name, settings)
        finished = frozenset(done)
        for position, request in enumerate(requests):
            if position not in finished:
                if request.prompt.style == "compact":
                    raise InputError(f"{self.name} answers in PDDL; drop --prompt compact")
                yield position, self._reply(request)

    def _reply(self, request: Request) -> Reply:
        started = time.perf_counter()
        answer = self._solve(request, self.limits or Limits())
        if answer.plan is None:
            self._without[answer] += 1
        return _reply(answer, time.perf_counter() - started)


def _reply(answer: Answer, seconds: float) -> Reply:
    if answer.fault:
        return Reply("", "error", seconds=seconds, error=answer.reason)
    if answer.plan is None:
        return Reply(f"No plan: {answer.reason}.\n", "length" if answer.cut else "stop", seconds=seconds)
    return Reply(plan_text(answer.plan) or EMPTY, seconds=seconds)


def _version(name: str, entry: Entry) -> str:
    """The version of the package that a planner needs, empty where it needs none."""
    if not entry.package:
        return ""
    try:
        return version(entry.package)
    except PackageNotFoundError as error:
        raise MissingPackage(
            f"{name} needs a package that is not installed; type: pip install {entry.package}=={entry.version}"
        ) from error


def _limits(options: LoadOptions) -> Limits:
    standard = Limits()
    seconds, memory = options.args.get("seconds"), options.args.get("memory")
    if seconds is not None and not (re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", seconds) and float(seconds) > 0):
        raise InputError(f"--model-arg seconds={seconds}: type a number above 0")
    if memory is not None and not (re.fullmatch(r"[0-9]{1,9}", memory) and int(memory) >= LEAST_MEMORY):
        raise InputError(f"--model-arg memory={memory}: type a number of MB, {LEAST_MEMORY} or more")
    return Limits(
        standard.seconds if seconds is None else float(seconds), standard.memory if memory is None else int(memory)
    )
