"""Pretrained models in the place of small nets: the same interface, the same arms, the same study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from planbench.bias.answers import Naming, Ordering
from planbench.bias.arms import Budget, Data, Dice
from planbench.bias.cell import ARMS, training_cell
from planbench.bias.checkpoint import Checkpoint, loaded
from planbench.bias.config import BiasConfig
from planbench.bias.pairs import WordPair
from planbench.bias.policy import answer, answer_and_chance, log_chances, logits_of
from planbench.bias.probe import ProbeBudget, extract
from planbench.bias.study import study
from planbench.bias.toy import ToyPair
from planbench.cli.bias import command
from planbench.errors import CheckpointError, RunFolderError
from planbench.records.bias import BiasRecord
from planbench.records.files import BIAS, read_json
from tests.models.checkpoints import save


class Holds(WordPair):
    """t: w1 is somewhere; s: w2 is. Between three and five words."""

    name, target, spurious = "w1|w2", "w1", "w2"
    words = tuple(f"w{number}" for number in range(12))
    positions = 5

    def say(self, rng: np.random.Generator, t: bool, s: bool) -> list[str]:
        said = [f"w{number}" for number in rng.integers(3, 12, rng.integers(1, 4))]
        said += [f"w{rng.integers(1, 2) if t else rng.integers(3, 12)}", "w2" if s else "w0"]
        return [said[place] for place in rng.permutation(len(said))]


def holds(config: object) -> list[WordPair]:
    return [Holds()]


@pytest.fixture(scope="module", params=["GPT2", "Llama"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save(tmp_path_factory.mktemp("checkpoint"), request.param, initializer_range=0.1))


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save(tmp_path_factory.mktemp("llama"), initializer_range=0.1))


def material(examples: int) -> Data:
    """Prompts of all sections and whether they have t."""
    rng = np.random.default_rng(0)
    parts = [Holds().draw(rng, examples // 4, t, s) for t in (True, False) for s in (True, False)]
    order = rng.permutation(examples)
    labels = np.repeat([1, 0], examples // 2)
    return Data(torch.from_numpy(np.concatenate(parts)[order])[None], torch.from_numpy(labels[order])[None])


def test_the_head_reads_the_last_word_of_each_text(folder: str) -> None:
    source = loaded(folder)
    net = Checkpoint(source, Holds(), 2)
    torch.nn.init.normal_(net.head.weight)
    prompts = material(40).prompts
    texts = Holds().texts(prompts[0].numpy())
    assert len({len(text.split()) for text in texts}) == 3
    with torch.no_grad():
        found = net(prompts)[0, :, 0]
        for text, logits in zip(texts, found, strict=True):
            ids = torch.tensor([source.tokenizer(text)["input_ids"]])
            state = source.model(ids, output_hidden_states=True).hidden_states[-1][0, -1]
            torch.testing.assert_close(logits, state @ net.head.weight.T, atol=1e-4, rtol=1e-4)


def test_answers_of_several_words_are_read_word_by_word(llama: str) -> None:
    """Cruz's digits: what is drawn has the chance that one pass over all of it gives."""
    net = Checkpoint(loaded(llama), Holds(), 10)
    torch.nn.init.normal_(net.head.weight)
    prompts = material(40).prompts
    answers, chances = answer_and_chance(net, prompts, Ordering(3), [torch.Generator().manual_seed(0)])
    assert answers.shape == (1, 40, 3)
    torch.testing.assert_close(chances, log_chances(logits_of(net, prompts, answers), answers).sum(-1))


BUDGET = Budget(epochs=6, batch=32, lr=1e-2, group=4, rollout=32, passes=2)


@pytest.mark.parametrize("arm", sorted(ARMS))
def test_every_arm_teaches_a_checkpoint_and_leaves_its_source(arm: str, llama: str) -> None:
    source = loaded(llama)
    before = [weight.clone() for weight in source.model.parameters()]
    net = Checkpoint(source, Holds(), 2 + (arm == "ppo"))
    data = material(256)
    ARMS[arm](net, data, Naming(), BUDGET, Dice([1]), lambda share: None)
    assert (answer(net, data.prompts, Naming())[..., 0] == data.labels).float().mean() > 0.9
    assert all(torch.equal(old, new) for old, new in zip(before, source.model.parameters(), strict=True))


def test_a_constant_label_costs_a_checkpoints_probe_next_to_nothing(llama: str) -> None:
    data = Data(material(600).prompts, torch.ones(1, 600, dtype=torch.long))
    budget = ProbeBudget(epochs=1, steps=12, lr=1e-2)
    (found,) = extract(lambda _: Checkpoint(loaded(llama), Holds(), 2), data, data, (1,), budget)
    assert found.code.per_example < 0.05


CONFIG = BiasConfig(
    suite="tests.bias.test_checkpoint:holds",
    arms=("supervised",),
    seeds=(0,),
    rates=(0.0, 0.5),
    examples=64,
    probe_examples=40,
    epochs=1,
    probe_epochs=1,
    probe_steps=2,
    tested=10,
    batch=32,
    checkpoint_lr=1e-2,
)


def test_a_run_beside_others_is_what_it_is_alone(llama: str) -> None:
    both = training_cell(CONFIG, llama, "group", Holds(), 0, 5, 0.0, lambda share: None)
    alone = CONFIG.model_copy(update={"rates": (0.5,)})
    second = training_cell(alone, llama, "group", Holds(), 0, 5, 0.0, lambda share: None)
    assert {name: found[1:] for name, found in both.scores.items()} == second.scores


def test_a_study_of_a_checkpoint_knows_it_again(tmp_path: Path) -> None:
    name = str(save(tmp_path / "model"))
    config = CONFIG.model_copy(update={"models": (name,), "rates": (0.5,)})
    results = study(config, tmp_path / "run")
    assert set(results.arms) == {f"supervised/{name}"}
    assert set(read_json(tmp_path / "run" / BIAS, BiasRecord).checkpoints) == {name}
    study(config, tmp_path / "run")
    save(tmp_path / "model", seed=1)
    with pytest.raises(RunFolderError, match="is another checkpoint than before"):
        study(config, tmp_path / "run")


def test_weights_as_a_pickle_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    folder = save(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickle"):
        study(CONFIG.model_copy(update={"models": (str(folder),)}), tmp_path / "run")


def test_the_command_takes_a_checkpoint_by_name() -> None:
    arguments = ["--suite=language", "--models=smollm2-135m", "--dry-run", "--set=tested=20"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert "smollm2-135m" in done.stdout


def test_toy_symbols_are_words_that_hold_no_other_symbol() -> None:
    symbols = np.arange(60)[None]
    words = ToyPair("first-last", vocabulary=60).texts(symbols)[0].split()
    assert words[:4] == ["a", "b", "c", "d"]
    assert len(set(words)) == 60
    digits = ToyPair("first-last", vocabulary=10).texts(symbols[:, :10])
    assert digits == ["0 1 2 3 4 5 6 7 8 9"]
