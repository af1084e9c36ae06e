"""What a model is asked and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from planbench.core.verdict import Plan
from planbench.records.prompt import Prompt

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask

FinishReason = Literal["stop", "length", "error"]
"""`stop`: the model ended its reply. `length`: a limit did, of tokens, or of a planner's time or memory. `error`: ours;
the verdict is `harness_error`."""


class Ending(Protocol):
    """Whether a reply so far holds a whole plan, so that nothing more is wanted. It can only become true with a
    character of `last`."""

    @property
    def last(self) -> str: ...

    def __call__(self, text: str) -> bool: ...


DEFAULT_TOKENS = 512
"""The longest reply where neither the user nor the model says one."""


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How replies are drawn. Temperature 0 is greedy; `samples` replies a task; `seed` makes a run repeatable.

    With `max_thinking_tokens`, a model that reasons before it answers is made to end its reasoning after so many
    tokens, and `max_tokens` are for what follows.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    samples: int = 1
    seed: int = 0
    max_thinking_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One reply that is wanted. `key` is unique within a run and stable over runs of the same settings; `seed` is
    derived from it. `task` is there for models that look at the task itself (`random`, planners), and so is `policy`:
    the reference plan, where a policy of the domain found it, and None where there is none. `ended` is there where the
    prompt style says how a plan ends: the reply may stop there."""

    key: str
    prompt: Prompt
    task: CompiledTask
    task_hash: str
    sample_index: int
    seed: int
    policy: Plan | None = None
    ended: Ending | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Token counts are the model's own and None where it has no tokens; `seconds` is this reply's
    share of the time that its batch took. `near_ties` counts greedy choices that rounding could have turned, None where
    the model does not say."""

    text: str
    finish: FinishReason = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float = 0.0
    error: str = ""
    near_ties: int | None = None
