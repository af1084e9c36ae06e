"""The floor of every table: a model that takes uniformly random applicable actions.

At each state one of the applicable ground actions is drawn, each as likely as any other. The walk ends at the goal, at
a state in which nothing applies, or after a limit of steps: four an object of the task (in Blocksworld every block can
be put on the table and stacked again within that), or `--model-arg steps=N`, and never more than `max_tokens`. So what
it scores is what luck scores in a plan of reasonable length; it does see the goal, for that is how it knows to stop.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Iterator, Sequence

from planbench.core.verdict import Step, plan_text
from planbench.errors import InputError
from planbench.models.base import refuse_thinking
from planbench.models.catalog import LoadOptions
from planbench.records import Reply, Request, SamplingSettings

ARGS = {"steps": "the longest plan, a number of 1 or more"}
STEPS_PER_OBJECT = 4
EMPTY = "The plan is empty.\n"
"""The reply where the goal holds at the start: it is read as the plan of no steps, which no text at all is not."""


def load(name: str, options: LoadOptions) -> RandomModel:
    options.check_args(name, ARGS)
    steps = options.args.get("steps")
    if steps is None:
        return RandomModel(name)
    if not (steps.isascii() and steps.isdigit() and len(steps) < 10 and int(steps)):
        raise InputError(f"--model-arg steps={steps}: type a number of 1 or more")
    return RandomModel(name, int(steps))


class RandomModel:
    """Uniformly random applicable actions, as a `Model`. `steps` None means four an object."""

    prompt_style = None
    max_context = None
    default_max_tokens = None

    def __init__(self, name: str = "random", steps: int | None = None) -> None:
        self.name, self.steps = name, steps
        self.fingerprint = f"random-1-{steps or f'{STEPS_PER_OBJECT}n'}"

    def describe(self) -> dict[str, str | int | float | bool | None]:
        return {"kind": "random", "steps": self.steps, "steps_per_object": None if self.steps else STEPS_PER_OBJECT}

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        """As `Model.replies`; temperature and top-p change nothing."""
        refuse_thinking(self.name, settings)
        finished = frozenset(done)
        for position, request in enumerate(requests):
            if position not in finished:
                yield position, self._walk(request, settings.max_tokens)

    def _walk(self, request: Request, most: int) -> Reply:
        started = time.perf_counter()
        task, generator = request.task, random.Random(request.seed)
        limit = min(most, self.steps or STEPS_PER_OBJECT * len(task.objects))
        state = task.initial
        steps: list[Step] = []
        while not (reached := task.goal_reached(state)) and len(steps) < limit:
            # Sorted, so that the walk hangs on the seed and not on the order in which actions are found.
            if not (choices := sorted(task.applicable(state))):
                break
            steps.append(generator.choice(choices))
            state = task.apply(state, steps[-1])
        finish = "length" if len(steps) >= limit and not reached else "stop"
        plan = plan_text(tuple(steps)) or (EMPTY if reached else "")
        return Reply(plan, finish, seconds=time.perf_counter() - started)
