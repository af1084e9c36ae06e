"""The nouns, and the format of every file that planbench writes."""

from planbench.core.verdict import VERDICT_KINDS, Plan, Step, Verdict, VerdictKind
from planbench.records.prompt import Message, Prompt
from planbench.records.sampling import Ending, FinishReason, Reply, Request, SamplingSettings
from planbench.records.task import ReferencePlan, Task, task_set_hash

__all__ = [
    "VERDICT_KINDS",
    "Ending",
    "FinishReason",
    "Message",
    "Plan",
    "Prompt",
    "ReferencePlan",
    "Reply",
    "Request",
    "SamplingSettings",
    "Step",
    "Task",
    "Verdict",
    "VerdictKind",
    "task_set_hash",
]
