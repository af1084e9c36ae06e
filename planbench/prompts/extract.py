"""The one plan that a reply gives.

The rule, in order; the first that finds a plan decides, and the judge is never asked:

1. Reasoning (`<think>...</think>` and its kin) and what follows the end of the turn are not read.
2. The last block between plan markers ([PLAN] ... [PLAN END], <plan>, <answer>) that holds a step; where none does, one
   that is closed and empty. A fence inside a block is read instead of the prose around the fence.
3. The last fenced block that holds a step; where none does, one that is empty. Fences of one step each, one behind
   another, are one plan.
4. A JSON list of steps that is the answer.
5. Outside blocks, a run of step lines: the last run that a heading announces ("Plan:") or that starts over ("Wait,
   ..."); else the longest, the last of several. A run goes on over blank lines, over at most two lines of prose, and
   over any prose while the list numbers go on; a heading or a number that falls ends it.
6. An empty JSON list, or an explicit statement that no action is needed, is the empty plan.

Within the chosen block or run, a line that was meant as a step and names no action or object of the task is kept as it
stands: the judge calls the plan malformed. Nothing is repaired beyond spelling (case, separators, articles, nouns).

A prompt style that asks for reasoning in the reply has a stricter reader, `extract_final_plan`: reasoning is full of
steps and of drafts, so that nothing but what is marked as the plan, or said to be the final one, can be told from them.
A reply that was cut off in its reasoning gives no plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from planbench.core.verdict import Plan, Step
from planbench.prompts.blocks import Block, answer_of, fenced_blocks, marked_blocks
from planbench.prompts.lexicon import Lexicon
from planbench.prompts.lines import Line, read_line
from planbench.prompts.listed import read_json

_PROSE_WITHIN_RUN = 2
_NOTHING_TO_DO = re.compile(
    r"\b(?:no (?:further |more |additional )?(?:actions?|steps?|moves?) (?:is |are )?(?:needed|required|necessary)"
    r"|(?:the )?plan is empty|empty plan|nothing (?:needs to be|has to be) done)\b",
    re.IGNORECASE,
)
_FINAL = re.compile(
    r"^[ \t#*_>-]{0,8}(?:(?:so|thus|therefore|here is|this is),? )?(?:the |my |our )?(?:final|finished|complete) "
    r"(?:plan|answer|solution)(?: is)?[ \t*_]{0,4}(?::|$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A heading that says so itself."""
_BEGINS_LINE = re.compile(r"(?:^|\n)[ \t#*_>-]{0,8}$")
_OPENING = re.compile(r"^[ \t]{0,8}[\[{]", re.MULTILINE)
_EMPTY_WORDS = frozenset({"", "[]", "()", "empty", "(empty)", "none", "(empty plan)", "empty plan"})


@dataclass(slots=True)
class _Run:
    """Lines that follow each other as one plan."""

    lines: list[Line] = field(default_factory=list[Line])
    announced: bool = False

    def plan(self) -> Plan:
        return _kept(self.lines)

    @property
    def sure(self) -> bool:
        return any(line.kind == "step" for line in self.lines)

    @property
    def length(self) -> int:
        return sum(len(line.steps) for line in self.lines if line.kind == "step")


def extract_plan(reply: str, lexicon: Lexicon) -> Plan | None:
    """The plan that a reply gives, None where nothing in it reads as a plan; `()` is an explicitly empty plan."""
    answer = answer_of(reply)
    plan = _marked_plan(marked_blocks(answer), lexicon)
    if plan is not None:
        return plan
    plan = _fenced_plan(fenced_blocks(answer), lexicon)
    if plan is not None:
        return plan
    listed = _json_within(answer, lexicon)
    if listed:
        return listed
    runs = _runs([read_line(line, lexicon) for line in answer.split("\n")])
    plan = _chosen(runs, lexicon)
    if plan is not None:
        return plan
    return () if listed is not None or _NOTHING_TO_DO.search(answer[-2000:]) else None


def extract_final_plan(reply: str, lexicon: Lexicon) -> Plan | None:
    """The plan of a reply that was to reason first: that of its marked blocks, else what follows the last heading of a
    final plan, else None. A marker that is never closed counts where it begins a line: reasoning may mention one."""
    answer = answer_of(reply)
    blocks = [
        block
        for block in marked_blocks(answer, opened=True)
        if block.closed or _BEGINS_LINE.search(answer[max(0, block.start - 12) : block.start])
    ]
    plan = _marked_plan(blocks, lexicon)
    if plan is not None:
        return plan
    ends = [heading.end() for heading in _FINAL.finditer(answer)]
    if not ends or not (said := answer[ends[-1] :]).strip():
        return None
    return _block_plan(Block(said, closed=False), lexicon)


def _marked_plan(blocks: Sequence[Block], lexicon: Lexicon) -> Plan | None:
    """The plan of the last block that holds a step; else the empty plan, where a block is that."""
    empty: Plan | None = None
    for block in reversed(blocks):
        plan = _block_plan(block, lexicon)
        if plan:
            return plan
        empty = empty if plan is None else plan
    return empty


def _block_plan(block: Block, lexicon: Lexicon) -> Plan | None:
    """The plan of a block between plan markers. One that was opened and has nothing in it says nothing."""
    fenced = _fenced_plan(fenced_blocks(block.text), lexicon)
    if fenced:
        return fenced
    said = block.text.strip().strip("`").strip().lower()
    if said in _EMPTY_WORDS:
        return () if said or block.closed else None
    listed = _json_within(block.text, lexicon)
    if listed:
        return listed
    lines = [read_line(line, lexicon) for line in block.text.split("\n")]
    if any(line.kind == "step" for line in lines):
        return _lines_plan(lines, block)
    meant = tuple(step for line in lines if line.kind == "suspect" for step in line.steps)
    if meant:
        return meant
    empty = fenced is not None or listed is not None or _NOTHING_TO_DO.search(block.text[:2000])
    return () if empty else None


def _fenced_plan(blocks: Sequence[Block], lexicon: Lexicon) -> Plan | None:
    """The plan of the last fenced block that has one."""
    singles: list[Plan] = []
    weak: Plan | None = None
    empty: Plan | None = None
    for block in reversed(blocks):
        if "(define" in block.text.lower():
            if singles:
                break
            continue  # the task said again
        plan = _json_plan(block.text, lexicon)
        sure = plan is not None
        if plan is None:
            lines = [read_line(line, lexicon) for line in block.text.split("\n")]
            sure = any(line.kind == "step" for line in lines)
            if sure:
                plan = _lines_plan(lines, block)
            elif weak is None:
                weak = _meant_groups(lines, lexicon)
        if plan is not None and len(plan) > 1 and sure:
            return plan if not singles else tuple(single[0] for single in reversed(singles))
        if plan and sure:
            singles.append(plan)
        elif plan == () or (not block.text.strip() and block.language in {"plan", "pddl"}):
            empty = ()
    if singles:
        return tuple(single[0] for single in reversed(singles))
    return empty if weak is None else weak


def _lines_plan(lines: Sequence[Line], block: Block) -> Plan:
    """The plan of a block with at least one step. In a block left open, remarks may follow the plan: there it is the
    first run of lines, or the last that starts over."""
    if block.closed:
        return _kept(lines, whole=True)
    sure = [run for run in _runs(lines) if run.sure]
    again = [run for run in sure if run.announced]
    return (again[-1] if again else sure[0]).plan()


def _kept(lines: Sequence[Line], whole: bool = False) -> Plan:
    """The steps of lines that are one plan: those that name an action, and those in their shape that were meant to.
    Where the `whole` was set apart as the plan, so are facts, and bare names beside steps in another notation."""
    shapes = {line.shape for line in lines if line.kind == "step"}
    bracketed = {line.shape[:2] for line in lines if line.kind == "step" and line.shape[2] == "group"}
    steps: list[Step] = []
    for line in lines:
        marker, _, notation = line.shape
        alike = line.shape in shapes or (bool(marker) and any(line.shape[:2] == shape[:2] for shape in shapes))
        if (
            line.kind == "step"
            or (line.kind == "suspect" and (notation == "group" or alike or not shapes or (whole and line.bare)))
            or (line.kind == "fact" and whole and line.shape[:2] in bracketed)
        ):
            steps.extend(line.steps)
    return tuple(steps)


def _meant_groups(lines: Iterable[Line], lexicon: Lexicon) -> Plan | None:
    """Steps that fit no action of the task, but read as a plan in another vocabulary: bracketed, or an action with
    too few arguments, with an object of the task somewhere. None where there are none."""
    meant = tuple(
        step
        for line in lines
        if line.kind == "suspect"
        for step in line.steps
        if line.shape[2] == "group" or step[0] in lexicon.actions
    )
    return meant if any(word in lexicon.objects for step in meant for word in step[1:]) else None


def _runs(lines: Iterable[Line]) -> list[_Run]:
    runs: list[_Run] = []
    run = _Run()
    prose, broken, announced, in_prose = 0, True, False, False
    number: float | None = None
    for line in lines:
        if line.kind == "heading":
            broken, announced = True, line.headed or line.turn
            continue
        if line.kind in {"prose", "fact"}:
            prose += 1
            broken = broken or prose > _PROSE_WITHIN_RUN
            if prose > _PROSE_WITHIN_RUN:
                announced = False
            continue
        if line.kind == "blank":
            continue
        if line.kind == "suspect" and line.shape[2] == "words" and not line.shape[0] and prose:
            continue
        goes_on = number is not None and line.number is not None and line.number > number
        quoted = line.shape[2] == "quoted"
        falls = (
            number is not None
            and line.number is not None
            and (line.number < number or (line.number == number and prose > 0))
        )
        if not run.lines or falls or line.headed or (broken and not goes_on) or quoted != in_prose:
            run = _Run(announced=announced or line.headed)
            runs.append(run)
            number, in_prose = None, quoted
        run.lines.append(line)
        number = line.number if line.number is not None else number
        prose, broken, announced = 0, False, False
    return runs


def _chosen(runs: Sequence[_Run], lexicon: Lexicon) -> Plan | None:
    """The plan of the run that the rule picks."""
    sure = [run for run in runs if run.sure]
    announced = [run for run in sure if run.announced]
    if announced:
        return announced[-1].plan()
    if sure:
        longest = max(run.length for run in sure)
        return next(run for run in reversed(sure) if run.length == longest).plan()
    for run in reversed(runs):
        plan = _meant_groups(run.lines, lexicon)
        if plan is not None:
            return plan
    return None


def _json_within(text: str, lexicon: Lexicon) -> Plan | None:
    """A JSON value that stands in a text on lines of its own, or one value a line."""
    opening = _OPENING.search(text)
    if opening is None:
        return None
    value = text[opening.start() : max(text.rfind("]"), text.rfind("}")) + 1]
    plan = _json_plan(value, lexicon)
    if plan is None and value:
        plan = _json_plan("[" + ",".join(line for line in value.split("\n") if line.strip()) + "]", lexicon)
    return plan


def _json_plan(text: str, lexicon: Lexicon) -> Plan | None:
    text = text.strip()
    if not (text.startswith(("[", "{")) and text.endswith(("]", "}"))):
        return None
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return read_json(value, lexicon)
