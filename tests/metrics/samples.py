"""Samples made by hand for the tests of metrics and of the report."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import Any

from planbench.records.sample import Sample, VerdictRecord


def sample(
    task: str = "t1",
    verdict: str = "valid",
    *,
    domain: str = "blocksworld",
    index: int = 0,
    step: int | None = None,
    reference: int | None = 4,
    length: int | None = 4,
    seconds: float = 0.5,
    tokens: int | None = 10,
    **changes: Any,
) -> Sample:
    """One sample; a cost equal to the length for valid plans."""
    digest = blake2b(f"{domain}/{task}".encode(), digest_size=8).hexdigest()
    if verdict in ("no_plan", "harness_error"):
        length = None
    return Sample(
        **{
            "key": f"{digest}-p-{index}",
            "task": task,
            "domain": domain,
            "task_hash": digest,
            "prompt_hash": "p",
            "index": index,
            "seed": 0,
            "reply": "",
            "finish": "error" if verdict == "harness_error" else "stop",
            "prompt_tokens": tokens if tokens is None else 100,
            "completion_tokens": tokens,
            "seconds": seconds,
            "plan": None,
            "verdict": VerdictRecord(kind=verdict, step=step),  # pyright: ignore[reportArgumentType]
            "length": length,
            "cost": float(length) if verdict == "valid" and length is not None else None,
            "reference_length": reference,
            "reference_cost": None if reference is None else float(reference),
            **changes,
        }
    )


def run(
    seed: int, *, tasks: int = 60, samples: int = 1, domains: tuple[str, ...] = ("blocksworld", "grid")
) -> list[Sample]:
    """A run with every kind of verdict, in which short tasks are solved more often than long ones."""
    random = Random(seed)
    found: list[Sample] = []
    for number in range(tasks):
        reference = random.randint(2, 40)
        domain = domains[number % len(domains)]
        for index in range(samples):
            step, length = None, reference + 2 * random.randint(0, 3)
            if random.random() < 1 / (1 + (reference / 12) ** 2):
                verdict = "valid"
            else:
                verdict = random.choices(
                    ["inapplicable", "goal_missed", "malformed", "no_plan", "harness_error"], [6, 3, 2, 2, 1]
                )[0]
                step = random.randint(1, length) if verdict in ("inapplicable", "malformed") else None
            found.append(
                sample(
                    f"t{number}",
                    verdict,
                    domain=domain,
                    index=index,
                    step=step,
                    reference=reference,
                    length=length,
                    seconds=random.random(),
                    tokens=random.randint(5, 300),
                )
            )
    return found
