"""Settings of a training: whose defaults hold, and what overrides them."""

from __future__ import annotations

from pathlib import Path

import pytest

from planbench.errors import InputError
from planbench.loop.checkpoints import Source
from planbench.loop.config import IterateConfig
from planbench.loop.training import finetune_settings, relabels

OWN = Source(Path("own"), "compact", 384, 1, None)
FOREIGN = Source(Path("foreign"), None, None, 1, None)


def config(**training: str) -> IterateConfig:
    return IterateConfig(training=training)


def test_planners_of_our_own_train_all_weights_and_others_adapters() -> None:
    own, foreign = finetune_settings(config(), OWN, 0), finetune_settings(config(), FOREIGN, 0)
    assert (own.optimizer, own.lora, own.epochs) == ("muon", None, None)
    assert foreign.lora is not None
    assert (foreign.optimizer, foreign.steps) == ("adamw", None)


def test_what_is_told_overrides() -> None:
    told = finetune_settings(config(lora="none", steps="7", lr="0.5"), FOREIGN, 3)
    assert (told.lora, told.steps, told.epochs, told.lr, told.seed) == (None, 7, None, 0.5, 3)
    told = finetune_settings(config(epochs="3"), OWN, 0)
    assert (told.steps, told.epochs) == (None, 3)
    told = finetune_settings(config(lora="4", optimizer="adamw"), OWN, 0)
    assert told.lora is not None
    assert told.lora.r == 4


@pytest.mark.parametrize("told", [{"lora": "4", "optimizer": "adamw"}, {"precision": "bf16"}, {"device": "auto"}])
def test_a_default_gives_way_where_it_cannot_hold(told: dict[str, str]) -> None:
    assert finetune_settings(config(), OWN, 0).forget > 0
    assert finetune_settings(config(lora="none"), OWN, 0).forget > 0
    assert finetune_settings(config(**told), OWN, 0).forget == 0


def test_forgetting_that_is_told_is_never_dropped() -> None:
    assert finetune_settings(config(forget="0.25", device="auto"), OWN, 0).forget == 0.25
    with pytest.raises(InputError, match=r"^--train: forget needs all weights in float32; leave out [^;]*$"):
        finetune_settings(config(forget="0.25", lora="4", optimizer="adamw"), OWN, 0)


def test_where_a_push_may_be_away_a_policy_is_trained_as_it_is_deployed() -> None:
    found = finetune_settings(config(), OWN, 0, ratio="taper")
    assert (found.forget, found.stretch) == (0, 1)
    assert finetune_settings(config(forget="0.5"), OWN, 0, ratio="taper").forget == 0.5
    assert finetune_settings(config(), OWN, 0, ratio="sequence").forget > 0


def test_an_arm_has_settings_of_its_own() -> None:
    told = {"lr": "0.5", "group:lr": "0.25", "group:forget": "0", "shortest-init-base:steps": "9"}
    whole = IterateConfig(arms=("group", "shortest-init-base", "valid"), training=told)
    arms = {arm.name: arm for arm in whole.chosen_arms()}
    found = {name: finetune_settings(whole.of(arm), OWN, 0) for name, arm in arms.items()}
    assert {name: of.lr for name, of in found.items()} == {"group": 0.25, "shortest-init-base": 0.5, "valid": 0.5}
    assert found["group"].forget == 0 < found["valid"].forget
    assert found["shortest-init-base"].steps == 9 != found["group"].steps
    assert finetune_settings(whole.of(None), OWN, 0) == found["valid"]
    with pytest.raises(InputError, match="--train gruop:lr: there is no arm 'gruop'; there is: group"):
        IterateConfig(arms=("group",), training={"gruop:lr": "1"}).chosen_arms()


def test_a_warm_start_has_its_own_number_of_steps() -> None:
    assert finetune_settings(config(epochs="3"), FOREIGN, 0, steps=11).steps == 11


def test_objects_are_named_anew_for_planners_of_our_own() -> None:
    assert relabels(config(), OWN, "compact")
    assert not relabels(config(relabel="no"), OWN, "compact")
    # A word is several tokens to others, as a rule; whoever knows better says so.
    assert not relabels(config(), FOREIGN, "compact")
    assert relabels(config(relabel="yes"), FOREIGN, "compact")
    assert not relabels(config(), OWN, "pddl")


@pytest.mark.parametrize(("told", "style"), [("maybe", "compact"), ("yes", "pddl")])
def test_naming_anew_where_it_cannot_be(told: str, style: str) -> None:
    with pytest.raises(InputError, match=f"--train relabel={told}"):
        relabels(config(relabel=told), OWN, style)
