"""Fine-tuning of real, small checkpoints: from a folder to a folder that answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from planbench.errors import InputError
from planbench.loop import finetune as subject
from planbench.loop import finetune_files
from planbench.loop.batches import split_tasks, stack
from planbench.loop.examples import TrainExample, train_example
from planbench.loop.finetune import finetune
from planbench.loop.finetune_config import FinetuneConfig, FinetuneProgress, LoraSettings
from planbench.models import load
from planbench.models.catalog import LoadOptions
from planbench.models.completions import CompletionEncoder
from planbench.models.hf import HfModel
from planbench.models.hf_load import load_checkpoint
from planbench.records import SamplingSettings
from tests.loop.traces import trace
from tests.models.checkpoints import prompts, request, save

REPLIES = ("w1 w2 w3", "w9", "w4 w4 w4 w5 w6", "w7 w8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("source"))


def examples(source: Path, count: int = 4, weight: float = 1.0) -> list[TrainExample]:
    """Each prompt with a reply of its own, some cut off."""
    encoder = CompletionEncoder.load(source)
    return [
        train_example(
            encoder,
            request(text).prompt,
            trace(f"t{number}", reply=REPLIES[number % 4], finish="length" if number % 4 == 3 else "stop"),
            weight,
        )
        for number, text in enumerate(prompts(count, longest=6))
    ]


def config(**changes: Any) -> FinetuneConfig:
    plain = {"steps": 1, "batch": 64, "lr": 1e-3, "validation": 0.0, "device": "cpu"}
    return FinetuneConfig(**{**plain, **changes})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def close(one: Path, other: Path, tolerance: float) -> bool:
    ours, theirs = weights(one), weights(other)
    return all(torch.allclose(ours[name], theirs[name], rtol=0, atol=tolerance) for name in ours | theirs)


def trained(source: Path, out: Path, given: Sequence[TrainExample], **changes: Any) -> Path:
    finetune(source, given, config(**changes), out)
    return out


def replies(folder: Path, count: int = 4, most: int = 8) -> list[tuple[str, str]]:
    model = load(str(folder), model_args={"device": "cpu"})
    asked = [request(text) for text in prompts(count, longest=6)]
    found = dict(model.replies(asked, (), SamplingSettings(max_tokens=most)))
    return [(found[position].text, found[position].finish) for position in range(count)]


# What is learned


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 1e-2},
        {"lr": 1e-2, "optimizer": "muon"},
        {"lr": 2e-2, "lora": LoraSettings(dropout=0)},
        {"lr": 1e-2, "checkpointing": True, "accumulate": 2, "batch": 2},
    ],
    ids=["adamw", "muon", "lora", "accumulated"],
)
def test_the_new_checkpoint_answers_as_it_was_taught(source: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    seen: list[FinetuneProgress] = []
    outcome = finetune(source, examples(source), config(steps=80, **changes), tmp_path / "new", seen.append)
    assert replies(source) != replies(tmp_path / "new")
    for (text, finish), taught in zip(replies(tmp_path / "new"), REPLIES, strict=True):
        if taught == REPLIES[3]:
            # It was cut off in training: nothing taught it to stop there.
            assert text.startswith(taught)
        else:
            assert (text, finish) == (taught, "stop")
    assert seen[-1].loss < seen[0].loss
    assert [progress.step for progress in seen] == list(range(1, 81))
    assert (outcome.steps, outcome.examples, outcome.held_out, outcome.left_out) == (80, 4, 0, 0)
    assert outcome.loss == seen[-1].loss
    assert outcome.validation_before is outcome.validation_after is None


def nats_a_token(folder: Path, given: Sequence[TrainExample]) -> float:
    """Weighted, one example after the other, without a batch or a mask."""
    model = load(str(folder), model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    total = size = 0.0
    for one in given:
        ids = [*one.prompt, *one.completion]
        with torch.no_grad():
            likely = model._model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        for place in range(len(one.prompt), len(ids)):
            total -= one.weight * float(likely[place - 1, ids[place]])
        size += abs(one.weight) * len(one.completion)
    return total / size


def test_losses_are_those_of_single_examples(source: Path, tmp_path: Path) -> None:
    """Of completions alone, whatever stands beside them in the batch, before and after."""
    given = [*examples(source, 6), *examples(source, 9, weight=0.5)[6:]]
    outcome = finetune(source, given, config(validation=0.3), tmp_path / "new")
    training, held_out = split_tasks(given, 0.3, 0)
    assert outcome.held_out == len(held_out) == 3
    assert outcome.loss == pytest.approx(nats_a_token(source, training), rel=1e-4)
    assert outcome.validation_before == pytest.approx(nats_a_token(source, held_out), rel=1e-4)
    assert outcome.validation_after == pytest.approx(nats_a_token(tmp_path / "new", held_out), rel=1e-4)
    assert outcome.validations == ((1, outcome.validation_after),)


# What a weight is


def test_weight_two_is_the_trace_twice(source: Path, tmp_path: Path) -> None:
    given = examples(source)
    heavy = [*examples(source, weight=2.0)[:2], *given[2:]]
    one = trained(source, tmp_path / "heavy", heavy)
    other = trained(source, tmp_path / "twice", [*given[:2], *given])
    plain = trained(source, tmp_path / "plain", given)
    assert close(one, other, 2e-5)
    assert not close(one, plain, 2e-4)


def test_weight_zero_is_no_trace(source: Path, tmp_path: Path) -> None:
    given = examples(source, 6)
    ignored = examples(source, 9, weight=0.0)[6:]
    settings = {"steps": 5, "batch": 2, "validation": 0.4}
    one = trained(source, tmp_path / "with", [*ignored[:1], *given, *ignored[1:]], **settings)
    other = trained(source, tmp_path / "without", given, **settings)
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert json.loads((one / finetune_files.RECORD).read_text())["outcome"]["left_out"] == 3


def test_a_negative_weight_makes_its_trace_less_likely(source: Path, tmp_path: Path) -> None:
    good, bad = examples(source)[0], examples(source, weight=-1.0)[1]
    new = trained(source, tmp_path / "new", [good, bad], steps=3)
    assert nats_a_token(new, [good]) < nats_a_token(source, [good])
    # The weight is the sign: less negative is more likely.
    assert nats_a_token(new, [bad]) < nats_a_token(source, [bad])


def test_batches_add_up_to_a_step(source: Path, tmp_path: Path) -> None:
    given = [*examples(source, 3), *examples(source, 4, weight=3.0)[3:]]
    whole = trained(source, tmp_path / "whole", given)
    parts = trained(source, tmp_path / "parts", given, batch=2, accumulate=2)
    assert close(whole, parts, 2e-5)
    assert not close(whole, trained(source, tmp_path / "half", given, batch=2), 2e-4)


def test_per_token_is_a_matter_of_weights(source: Path, tmp_path: Path) -> None:
    given = examples(source)
    divided = [
        TrainExample(one.prompt, one.completion, one.weight / len(one.completion), one.task_hash) for one in given
    ]
    one = trained(source, tmp_path / "tokens", given, normalise="tokens")
    other = trained(source, tmp_path / "divided", divided)
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


# The same again


@pytest.mark.parametrize("lora", [None, LoraSettings(dropout=0.2)])
def test_a_seed_repeats_a_training_to_the_byte(source: Path, tmp_path: Path, lora: LoraSettings | None) -> None:
    given = examples(source, 7)
    made = [
        trained(source, tmp_path / str(number), given, steps=4, batch=3, validation=0.2, lora=lora, seed=seed)
        for number, seed in enumerate((5, 5, 6))
    ]
    files = [(folder / "model.safetensors").read_bytes() for folder in made]
    assert files[0] == files[1] != files[2]


def test_stretched_positions_are_no_new_sequence(source: Path, tmp_path: Path) -> None:
    """Where positions do not jump, being told them changes nothing; where they do, a token still sees all before it."""
    plain, told = tmp_path / "plain", tmp_path / "told"
    finetune(source, examples(source), config(), plain)
    finetune(source, examples(source), config(stretch=1 + 1e-9), told)
    assert close(plain, told, 1e-6)

    torch.manual_seed(0)
    model = load_checkpoint(source, LoadOptions()).model
    tokens = torch.tensor([[3, 4, 5, 6], [7, 4, 5, 6]])
    jumping = torch.tensor([[0, 2, 5, 9]] * 2)
    logits = model(input_ids=tokens, position_ids=jumping, attention_mask=torch.ones_like(tokens)).logits[:, -1]
    assert not torch.allclose(logits[0], logits[1])


def test_threads_of_a_training_are_its_own(source: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    finetune(
        source,
        examples(source),
        config(threads=before + 1),
        tmp_path / "out",
        lambda _: seen.append(torch.get_num_threads()),
    )
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_epochs_are_rounds_of_the_examples(source: Path, tmp_path: Path) -> None:
    given = examples(source, 7)
    outcome = finetune(source, given, config(steps=None, epochs=3, batch=2), tmp_path / "new")
    assert outcome.steps == 11
    outcome = finetune(source, given, config(steps=None, batch=100), tmp_path / "default")
    assert outcome.steps == 2
    assert outcome.tokens == 2 * sum(len(one.prompt) + len(one.completion) for one in given)


def test_fresh_names_are_drawn_for_every_use(source: Path, tmp_path: Path) -> None:
    drawn: list[float] = []

    def fresh(rng: Any) -> tuple[list[int], list[int]]:
        drawn.append(rng.random())
        return [5, 6], [7, 3]

    given = [TrainExample((5,), (6, 3), 1.0, f"t{number}", fresh) for number in range(3)]
    finetune(source, given, config(steps=4), tmp_path / "new")
    assert len(set(drawn)) == 12


def test_training_ends_early_with_the_best_weights(source: Path, tmp_path: Path) -> None:
    """Held-out tasks ask for other replies to the same prompts, so learning makes them worse."""
    given = examples(source, 6)
    training, held_out = split_tasks(given, 0.34, 0)
    contrary = [TrainExample(one.prompt, (40, 41, 3), 1.0, one.task_hash) for one in held_out]
    settings = config(steps=60, lr=3e-3, validation=0.34, evaluate_every=1, patience=4, floor=1.0)
    outcome = finetune(source, [*training, *contrary], settings, tmp_path / "new")
    values = [loss for _, loss in outcome.validations]
    assert outcome.stopped_early
    assert outcome.steps == len(values) < 60
    assert outcome.validation_after == min(values)
    assert values.index(min(values)) == len(values) - 1 - 4
    assert nats_a_token(tmp_path / "new", contrary) == pytest.approx(min(values), rel=1e-4)


# The checkpoint


def test_all_but_the_weights_is_kept(tmp_path: Path) -> None:
    source = save(tmp_path / "source", planbench_prompt_style="compact", planbench_max_tokens=33)
    # Settings that the library reads but refuses to write.
    (source / "generation_config.json").write_text('{"eos_token_id": [3, 9], "temperature": 0.6, "do_sample": false}')
    new = trained(source, tmp_path / "new", examples(source))
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (new / name).read_bytes() == (source / name).read_bytes()
    model = load(str(new), model_args={"device": "cpu"})
    assert (model.prompt_style, model.default_max_tokens) == ("compact", 33)
    old = load(str(source), model_args={"device": "cpu"})
    assert model.fingerprint != old.fingerprint


def test_a_checkpoint_in_half_precision_stays_one(tmp_path: Path) -> None:
    source = save(tmp_path / "source")
    model = load(str(source), model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    model._model.to(torch.bfloat16).save_pretrained(source)
    new = trained(source, tmp_path / "new", examples(source))
    assert {tensor.dtype for tensor in weights(new).values()} == {torch.bfloat16}
    assert not close(source, new, 0)


def test_a_kept_adapter_is_what_was_merged(source: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    lora = LoraSettings(r=4, alpha=8, keep_adapter=True)
    finetune(source, examples(source), config(steps=10, lr=1e-2, lora=lora), tmp_path / "new")
    base = AutoModelForCausalLM.from_pretrained(source)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "new")
    ids = torch.tensor([[5, 6, 7, 8]])
    plain = base(ids).logits
    adapted = PeftModel.from_pretrained(base, str(tmp_path / "new" / finetune_files.ADAPTER)).eval()(ids).logits
    assert torch.allclose(adapted, merged(ids).logits, atol=1e-4)
    assert not torch.allclose(adapted, plain, atol=1e-2)
    # Low rank: what changed in a matrix has at most four dimensions.
    name = "model.layers.0.mlp.up_proj.weight"
    change = weights(tmp_path / "new")[name] - weights(source)[name]
    assert int(torch.linalg.matrix_rank(change, rtol=1e-4)) == 4
    assert torch.equal(weights(tmp_path / "new")["lm_head.weight"], weights(source)["lm_head.weight"])


def test_a_failure_leaves_nothing_half_done(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(finetune_files, "write_whole", full)
        with pytest.raises(InputError, match=r"new: the checkpoint cannot be written .*No space left"):
            trained(source, tmp_path / "new", examples(source))
    assert list(tmp_path.iterdir()) == []
    # What a kill left of an earlier try is no part of the next.
    (tmp_path / ".new.part").mkdir()
    (tmp_path / ".new.part" / "rest").touch()
    trained(source, tmp_path / "new", examples(source))
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert not (tmp_path / "new" / "rest").exists()


def test_a_folder_that_is_there_is_left_alone(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there already"):
        finetune(source, examples(source), config(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_learn_from_is_said(source: Path, tmp_path: Path) -> None:
    too_long = TrainExample((5,) * 60, (6,) * 6, 1.0, "t")
    for given in ([], examples(source, weight=0.0), [TrainExample((5,), (), 1.0, "t"), too_long]):
        with pytest.raises(InputError, match="nothing to train on"):
            finetune(source, given, config(), tmp_path / "new")
    # The last token is learned but not read: this one just fits the context of 64.
    fits = TrainExample((5,) * 60, (6,) * 5, 1.0, "t")
    assert finetune(source, [fits, too_long], config(), tmp_path / "new").left_out == 1


def test_a_loss_that_is_no_number_ends_the_training(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="try a smaller learning rate"):
        finetune(source, examples(source), config(steps=5, lr=1e30, clip=1e30), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 1, "epochs": 1.0}, "steps or epochs, not both"),
        ({"optimizer": "muon", "lora": LoraSettings()}, "use adamw with lora"),
        ({"patience": 2, "validation": 0.0}, "validation share above 0"),
        ({"learning_rate": 1.0}, "learning_rate"),
    ],
)
def test_settings_that_disagree_are_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FinetuneConfig(**changes)


def test_forgetting_is_for_planners_of_our_own(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"forget 0\.5: for planners of our own alone"):
        finetune(source, examples(source), config(forget=0.5), tmp_path / "new")


def test_a_validation_loss_is_taken_on_so_many_traces_at_most(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = examples(source, 12)
    read: list[int] = []

    def counted(uses: Sequence[Any], pad: int) -> Any:
        read.append(len(uses))
        return stack(uses, pad)

    monkeypatch.setattr(subject, "stack", counted)
    monkeypatch.setattr(subject, "_VALIDATED", 2)
    outcome = finetune(source, given, config(validation=0.5), tmp_path / "new")
    assert (outcome.examples, outcome.held_out) == (6, 6)
    assert read == [2, 6, 2]  # before, the one step, after
