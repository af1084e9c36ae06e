"""What the control `base-only` learns from is what generation 0 was taught."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planbench.loop.checkpoints import Source, source_of
from planbench.loop.config import IterateConfig, TaskConfig, WarmStart
from planbench.loop.reference import reference_tasks
from planbench.models.catalog import shipped_folder
from planbench.pretrain.corpus import base_examples
from planbench.prompts.compact import Scene, scene_of

PLAYED = IterateConfig(tasks=TaskConfig(domains=("ferry",)))


def taught(folder: Path, settings: dict[str, Any]) -> Source:
    """A planner whose card says so; its weights are those of the one that ships."""
    for file in shipped_folder("tiny").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    card = {"tasks": {"ferry": 30}, "config": {"longest": 6, "seed": 4, **settings}}
    (folder / "training.json").write_text(json.dumps(card))
    return source_of(str(folder), PLAYED)


@pytest.mark.parametrize(("settings", "wide"), [({}, True), ({"wide": True}, True), ({"wide": False}, False)])
def test_it_is_the_corpus_of_the_planner(tmp_path: Path, settings: dict[str, Any], wide: bool) -> None:
    found = reference_tasks(PLAYED, taught(tmp_path, settings))
    examples = list(base_examples(["ferry"], 30, seed=4, longest=6, wide=wide))
    assert len(found) == len(examples) > 20
    for one, example in zip(found, examples, strict=True):
        assert said(scene_of(one.compiled)) == said(example.scene)
        assert one.task.reference is not None
        assert one.task.reference.steps == example.plan


def said(scene: Scene) -> tuple[object, ...]:
    return dict(scene.objects), set(scene.init), set(scene.goal)


def test_after_a_warm_start_it_is_what_that_taught() -> None:
    config = PLAYED.model_copy(update={"warm_start": WarmStart(length=(2, 4), tasks=12)})
    lengths = [
        one.task.reference.length for one in reference_tasks(config, source_of("tiny", config)) if one.task.reference
    ]
    assert len(lengths) == 12
    assert set(lengths) <= {2, 3, 4}
