"""Plans of one task judged by us and by others, and where they disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.syntax import Domain, Problem
from planbench.core.verdict import Plan, plan_text
from planbench.core.write import domain_text, problem_text
from tests.differential.judges import Kairos, Opinion, UnifiedPlanning, ours, val

CONFLICT = "kairos: changes of one function that hang on their order pass where one stands under forall or when"
"""PDDL 2.1 and VAL have it as we do; `test_explained.py` has the example."""


@dataclass
class Tally:
    """What was judged so far. `judged` counts plans for each judge, `kinds` our verdicts, `made` plans by how they
    were made, `explained` differences by their reason; `disagreements` are those without one."""

    judged: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    made: Counter[str] = field(default_factory=Counter[str])
    explained: Counter[str] = field(default_factory=Counter[str])
    disagreements: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def add(self, other: Tally) -> None:
        self.judged.update(other.judged)
        self.kinds.update(other.kinds)
        self.made.update(other.made)
        self.explained.update(other.explained)
        self.disagreements += other.disagreements


def compare(
    domain: Domain, problem: Problem, plans: Sequence[Plan], judges: Sequence[str], folder: Path, every: int = 1
) -> Tally:
    """`judges` are among `val`, `kairos` and `unified-planning`, the last of which sees each plan in `every` only."""
    task = compile_task(domain, problem)
    texts = domain_text(domain), problem_text(problem, domain)
    judged = [judge(task, plan) for plan in plans]
    verdicts = [ours(verdict) for verdict in judged]
    tally = Tally(kinds=Counter(verdict.kind for verdict in verdicts), judged=Counter({"planbench": len(plans)}))
    for name in judges:
        asked = list(range(0, len(plans), every if name == "unified-planning" else 1))
        some = [plans[k] for k in asked]
        if name == "val":
            opinions = val(folder, *texts, some)
        elif name == "kairos":
            kairos = Kairos(*texts)
            opinions = [kairos.opinion(plan) for plan in some]
        else:
            unified = UnifiedPlanning(folder, *texts)
            opinions = [unified.opinion(plan) for plan in some]
        tally.judged[name] += len(some)
        for k, opinion in zip(asked, opinions, strict=True):
            if agree(verdicts[k], opinion):
                continue
            # A step whose conditions hold and whose effect is not defined: where all numbers have values, a conflict.
            if name == "kairos" and judged[k].kind == "inapplicable" and not judged[k].facts:
                tally.explained[CONFLICT] += 1
                continue
            tally.disagreements.append(
                {
                    "judge": name,
                    "ours": verdicts[k]._asdict(),
                    "theirs": opinion._asdict(),
                    "domain": texts[0],
                    "problem": texts[1],
                    "plan": plan_text(plans[k]),
                }
            )
    return tally


def agree(mine: Opinion, other: Opinion) -> bool:
    """Same kind, same step and same cost, as far as the other tells them. `invalid` is any kind but valid."""
    if other.kind == "invalid":
        return mine.kind != "valid"
    if mine.kind != other.kind or (mine.kind == "inapplicable" and other.step not in {None, mine.step}):
        return False
    return other.cost is None or mine.cost is None or abs(other.cost - mine.cost) <= 1e-4 * max(1.0, abs(mine.cost))
