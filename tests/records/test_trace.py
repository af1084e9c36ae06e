"""Traces and curated.jsonl: nothing of a sample is lost on the way to a weight and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.errors import RunFolderError
from planbench.records.files import RunFolder
from planbench.records.sample import Sample, VerdictRecord
from planbench.records.trace import CuratedTrace, Trace, read_curated, write_curated


def sample(key: str = "t0-p0-4") -> Sample:
    return Sample(
        key=key,
        task="bw/3",
        domain="blocksworld",
        task_hash="t0",
        prompt_hash="p0",
        index=4,
        seed=7,
        reply="<think>hm</think> (pick-up b1)\n\u2028(stack b1 b2)",
        finish="stop",
        prompt_tokens=50,
        completion_tokens=11,
        plan=("(pick-up b1)", "(stack b1 b2)"),
        verdict=VerdictRecord(kind="inapplicable", step=2, reason="not clear"),
        length=2,
        reference_length=6,
    )


def test_a_trace_is_what_its_sample_says() -> None:
    judged = sample()
    trace = Trace.of(judged, 3)
    assert (trace.id, trace.generation, trace.sample, trace.valid) == ("gen-3/t0-p0-4", 3, judged.key, False)
    assert (trace.verdict, trace.tokens) == ("inapplicable", 11)
    for name in ("task", "task_hash", "domain", "prompt_hash", "index", "reply", "finish", "plan", "length"):
        assert getattr(trace, name) == getattr(judged, name)
    assert trace.reference_length == 6


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(codec="utf-8")))
def test_curated_lines_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, weight: float, reason: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "curated.jsonl"
    lines = [CuratedTrace.of(Trace.of(sample(), generation), weight, reason) for generation in range(3)]
    write_curated(path, lines)
    assert list(read_curated(path)) == lines


def test_a_weight_leads_back_to_its_sample(tmp_path: Path) -> None:
    """From curated.jsonl alone: generation, then sample, then reply and verdict."""
    folder = RunFolder(tmp_path)
    folder.keep_samples([sample("other"), sample()])
    write_curated(tmp_path / "curated.jsonl", [CuratedTrace.of(Trace.of(sample(), 0), 1.0, "valid")])
    (line,) = read_curated(tmp_path / "curated.jsonl")
    found = next(one for one in folder.samples() if one.key == line.sample)
    assert (line.trace, line.generation) == (f"gen-0/{found.key}", 0)
    assert (found.task_hash, found.prompt_hash, found.verdict.kind) == (line.task_hash, line.prompt_hash, line.verdict)


@pytest.mark.parametrize("weight", ["NaN", "Infinity", "null", '"a lot"'])
def test_a_weight_that_is_no_number_is_refused_with_its_line(tmp_path: Path, weight: str) -> None:
    path = tmp_path / "curated.jsonl"
    good = CuratedTrace.of(Trace.of(sample(), 0), 1.0, "valid").model_dump_json()
    path.write_text(f"{good}\n{good.replace('1.0', weight)}\n")
    with pytest.raises(RunFolderError, match=r"curated\.jsonl:2: weight"):
        list(read_curated(path))
