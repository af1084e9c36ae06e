"""TRL's GRPOTrainer on the tasks of a run of the loop."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from experiments.rl.grpo import Judged, Outcome, main, reference
from planbench.cli import main as planbench
from planbench.errors import InputError, MissingPackage
from planbench.models.catalog import shipped_folder
from planbench.preparation import prepare
from planbench.prompts.styles import write_answer
from planbench.records.files import RunFolder, read_json
from planbench.records.iterate import IterateSummary
from planbench.rewards import COLUMNS, dataset_rows

HAS_TRL = importlib.util.find_spec("trl") is not None

SMALL = ["iterate", "tiny", "--tasks", "16", "--samples", "4", "--pool-length", "6:12", "--held-out", "6"]
SMALL += ["--longer", "0", "--arms", "valid", "--generations", "1", "--train", "steps=2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grpo") / "run"
    assert planbench([*SMALL, "--out", str(folder)]) == 0
    return folder


@pytest.mark.skipif(not HAS_TRL, reason="trl is not installed: pip install trl")
def test_grpo_trains_on_the_pool_and_is_measured_beside_the_arms(run: Path) -> None:
    asked = [str(run), "--batch", "16", "--lr", "1e-3", "--max-tokens", "24"]
    main(asked)
    summary, loops = (read_json(run / name, IterateSummary) for name in ("grpo.json", "summary.json"))
    assert summary.arms["valid"] == loops.arms["valid"]
    assert summary.task_sets == loops.task_sets
    zero, trained = summary.arms["grpo"]
    assert zero.held_out == loops.arms["valid"][0].held_out
    assert trained.held_out.tasks == 6
    assert trained.model_fingerprint not in (zero.model_fingerprint, summary.arms["valid"][1].model_fingerprint)
    assert {("generation 0", "grpo, generation 1"), ("grpo, generation 1", "valid, generation 1")} <= {
        (row.first, row.second) for row in summary.comparisons
    }
    # As many tokens as the loop's arm, to the end of the step that reached them.
    budget = loops.arms["valid"][1].spent
    outcome = read_json(run / "seed-0/grpo/gen-1/grpo.json", Outcome)
    assert budget is not None
    assert trained.spent is not None
    assert outcome.settings.tokens == budget.tokens
    assert outcome.settings.max_tokens == 24
    assert outcome.steps[-1].tokens == outcome.tokens == trained.spent.tokens
    assert outcome.tokens >= budget.tokens > outcome.steps[-2].tokens
    assert 0 < max(step.reward for step in outcome.steps) <= 1
    # The next call finds everything there.
    before = (run / "grpo.json").read_bytes()
    main(asked)
    assert (run / "grpo.json").read_bytes() == before


@pytest.mark.skipif(HAS_TRL, reason="trl is installed")
def test_without_trl_the_message_says_what_to_install(run: Path) -> None:
    with pytest.raises(MissingPackage, match="pip install trl"):
        reference(run, 16, 1e-3)


def test_a_reply_is_judged_just_as_it_was_sampled(run: Path) -> None:
    task = next(task for task in RunFolder(run / "seed-0/gen-0/pool").tasks() if task.reference)
    assert task.reference is not None
    (row,), (ready,) = dataset_rows([task], "compact"), prepare([task])
    tokenizer = AutoTokenizer.from_pretrained(shipped_folder("tiny"))
    end, unknown = tokenizer.eos_token_id, tokenizer.unk_token_id
    plan = tokenizer(write_answer("compact", task.reference.steps, ready.compiled, ready.wording))["input_ids"]
    replies = [[*plan, end], plan, [*plan[:1], unknown, *plan[1:], end], [end]]
    judged = Judged(tokenizer, {end})
    rewards = judged(replies, completions=["mended"] * 4, **{name: [row[name]] * 4 for name in COLUMNS})
    assert rewards == [1.0, 1.0, 0.0, 0.0]
    assert judged.tokens == sum(map(len, replies))


def test_what_is_no_finished_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is this a finished planbench run"):
        reference(tmp_path, 16, 1e-3)
    with pytest.raises(InputError, match="a multiple of the run's 4 samples"):
        reference(run, 3, 1e-3)
    for wrong in ({"tokens": 0}, {"max_tokens": 0}):
        with pytest.raises(InputError, match="--tokens and --max-tokens: at least 1"):
            reference(run, 16, 1e-3, **wrong)
    summary = read_json(run / "summary.json", IterateSummary).model_copy(update={"finished": False})
    (tmp_path / "summary.json").write_text(summary.model_dump_json())
    (tmp_path / "iterate.json").write_bytes((run / "iterate.json").read_bytes())
    with pytest.raises(InputError, match="go on with planbench iterate first"):
        reference(tmp_path, 16, 1e-3)
