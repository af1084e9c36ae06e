"""A checkpoint as a model: requests in, replies out, whatever was done before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from planbench.errors import InputError, MissingPackage
from planbench.models import load
from planbench.models.hf import HfModel
from planbench.models.small import SmallModel
from planbench.records import Message, Prompt, Reply, SamplingSettings
from tests.models.checkpoints import CHAT, EOS, WORDS, prompts, request, save

SAMPLED = SamplingSettings(temperature=1.0, top_p=0.95, max_tokens=12)
GREEDY = SamplingSettings(max_tokens=12)


def checkpoint(folder: Path, batch_size: int | None = None, **args: str) -> HfModel:
    model = load(str(folder), batch_size=batch_size, model_args={"device": "cpu", **args})
    assert isinstance(model, HfModel)
    return model


def words(reply: Reply) -> tuple[str, str, int | None, int | None]:
    """All of a reply but the seconds."""
    return reply.text, reply.finish, reply.prompt_tokens, reply.completion_tokens


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("llama"))


def test_every_request_gets_one_reply(folder: Path) -> None:
    requests = [request(text, seed) for seed, text in enumerate(prompts(11))]
    replies = list(checkpoint(folder, 4).replies(requests, (), SAMPLED))
    assert sorted(position for position, _ in replies) == list(range(11))
    for position, reply in replies:
        assert reply.prompt_tokens == len(requests[position].prompt.text.split())
        assert reply.finish in ("stop", "length")
        assert reply.completion_tokens == len(reply.text.split()) + (reply.finish == "stop")
        assert reply.seconds > 0


@pytest.mark.parametrize("engine", ["own", "continuous", "transformers"])
@pytest.mark.parametrize("settings", [GREEDY, SAMPLED])
def test_an_interrupted_run_goes_on_to_the_same_replies(folder: Path, settings: SamplingSettings, engine: str) -> None:
    requests = [request(text, seed) for text in prompts(6) for seed in range(3)]
    model = checkpoint(folder, 5, engine=engine)
    whole = {position: words(reply) for position, reply in model.replies(requests, (), settings)}
    done = {0, 1, 2, 7, 9, 16}
    rest = {position: words(reply) for position, reply in model.replies(requests, done, settings)}
    assert rest == {position: reply for position, reply in whole.items() if position not in done}
    assert list(model.replies(requests, range(18), settings)) == []


def test_batch_size_changes_no_greedy_reply_in_float32(folder: Path) -> None:
    requests = [request(text) for text in prompts(9)]
    results = [
        {position: words(reply) for position, reply in checkpoint(folder, size).replies(requests, (), GREEDY)}
        for size in (1, 4, None)
    ]
    assert results[0] == results[1] == results[2]


def test_a_prompt_that_fills_the_context_is_no_crash(folder: Path) -> None:
    model = checkpoint(folder)
    assert model.max_context == 64
    requests = [request(" ".join(["w1"] * length)) for length in (1000, 64, 63, 60)]
    replies = dict(model.replies(requests, (), GREEDY))
    for position in (0, 1):
        assert (replies[position].text, replies[position].finish) == ("", "length")
        assert "context of 64" in replies[position].error
    # What room there is, is used and not exceeded.
    for position, room in ((2, 1), (3, 4)):
        assert 1 <= (replies[position].completion_tokens or 0) <= room


def test_an_empty_prompt_and_any_characters_are_answered(folder: Path) -> None:
    requests = [request(text) for text in ("", "\x00", "\ud800 w1", "ш" * 30, "<pad> <unk> </s>")]
    replies = dict(checkpoint(folder).replies(requests, (), GREEDY))
    assert len(replies) == 5
    assert all(reply.finish != "error" for reply in replies.values())


def test_stop_tokens_come_from_everywhere_and_leave_the_text(tmp_path: Path) -> None:
    save(tmp_path)
    requests = [request(text) for text in prompts(12)]
    settings = SamplingSettings(max_tokens=30)
    free = dict(checkpoint(tmp_path).replies(requests, (), settings))
    word = next(reply.text.split()[2] for reply in free.values() if len(reply.text.split()) > 3)
    extra = int(word.removeprefix("w")) + 4
    config = json.loads((tmp_path / "generation_config.json").read_text())
    config["eos_token_id"] = [extra]
    (tmp_path / "generation_config.json").write_text(json.dumps(config))
    stopped = dict(checkpoint(tmp_path).replies(requests, (), settings))
    for position, reply in stopped.items():
        assert word not in reply.text.split()
        assert "</s>" not in reply.text
        assert free[position].text.split()[: len(reply.text.split())] == reply.text.split()
    assert any(reply.finish == "stop" and word in free[position].text.split() for position, reply in stopped.items())


def test_an_unknown_word_inside_a_reply_is_not_dropped(tmp_path: Path) -> None:
    """A plan with a hole in it must not be mended by leaving the hole out."""
    model = checkpoint(save(tmp_path))
    unknown = model._tokenizer.unk_token_id
    from planbench.models.decode import Completion, Row

    reply = model._reply(Row((5,), 4, 0), Completion((5, unknown, 6), stopped=True), 0.0)
    assert reply.text == "w1 <unk> w2"


def test_chat_template_is_used_unless_the_prompt_is_raw(tmp_path: Path) -> None:
    model = checkpoint(save(tmp_path, chat_template=CHAT))
    turns = (Message("system", "w1"), Message("user", "w2"), Message("assistant", "w3"), Message("user", "w4"))
    decode = model._tokenizer.decode
    chat = decode(model.prompt_tokens(Prompt("s", turns)))
    assert chat == "<s> <unk> w1 </s> <s> <unk> w2 </s> <s> <unk> w3 </s> <s> <unk> w4 </s> <s> <unk>"
    assert decode(model.prompt_tokens(Prompt("s", (Message("user", "w1 w2"), Message("user", "w3")), raw=True))) == (
        # Joined as they are: nothing between the contents.
        "w1 <unk>"
    )


@pytest.mark.parametrize(
    "template",
    [
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + CHAT,
        CHAT.replace("for m in messages", "for m in messages if m['role'] != 'system'"),
    ],
    ids=["refuses", "drops in silence"],
)
def test_a_forbidden_system_turn_opens_the_users(tmp_path: Path, template: str) -> None:
    model = checkpoint(save(tmp_path, chat_template=template))
    turns = (Message("system", "w1"), Message("user", "w2"))
    assert model._tokenizer.decode(model.prompt_tokens(Prompt("s", turns))) == "<s> <unk> w1 w2 </s> <s> <unk>"


def test_without_a_template_the_text_is_given(folder: Path) -> None:
    model = checkpoint(folder)
    turns = (Message("system", "w1"), Message("user", "w2"))
    assert model._tokenizer.decode(model.prompt_tokens(Prompt("s", turns))) == "w1 w2"


def test_what_the_config_says_to_planbench(tmp_path: Path) -> None:
    model = checkpoint(save(tmp_path, planbench_prompt_style="compact", planbench_max_tokens=99))
    assert (model.prompt_style, model.default_max_tokens) == ("compact", 99)
    (tmp_path / "plain").mkdir()
    model = checkpoint(save(tmp_path / "plain"))
    assert (model.prompt_style, model.default_max_tokens) == (None, None)


def test_fingerprint_changes_with_all_that_changes_a_reply(tmp_path: Path) -> None:
    def saved(name: str, **changes: Any) -> Path:
        return save(tmp_path / name, **changes)

    plain = saved("plain")
    seen = {
        checkpoint(plain).fingerprint,
        checkpoint(plain, dtype="bfloat16").fingerprint,
        checkpoint(template := saved("template", chat_template=CHAT)).fingerprint,
        checkpoint(template, thinking="no").fingerprint,
        checkpoint(saved("weights", initializer_range=0.1)).fingerprint,
    }
    added = saved("vocabulary")
    text = (added / "tokenizer.json").read_text()
    (added / "tokenizer.json").write_text(text.replace('"w0"', '"W0"'))
    seen.add(checkpoint(added).fingerprint)
    assert len(seen) == 6
    assert checkpoint(saved("again")).fingerprint == checkpoint(plain).fingerprint


@pytest.mark.parametrize("fits", [0, 2])
def test_a_fixed_batch_that_does_not_fit_is_computed_in_halves(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    from planbench.models import hf

    whole = hf.decode

    def cramped(model: Any, rows: Any, **how: Any) -> Any:
        if len(rows) > fits:
            raise torch.OutOfMemoryError("no memory")
        return whole(model, rows, **how)

    requests = [request(text) for text in prompts(9)]
    expected = dict(checkpoint(folder, 6, engine="transformers").replies(requests, (), GREEDY))
    monkeypatch.setattr(hf, "decode", cramped)
    found = dict(checkpoint(folder, 6, engine="transformers").replies(requests, (), GREEDY))
    assert found.keys() == expected.keys()
    for position, reply in found.items():
        if fits:
            assert words(reply) == words(expected[position])
        else:
            assert (reply.finish, "do not fit into memory" in reply.error) == ("error", True)


@pytest.mark.parametrize("engine", ["own", "continuous", "transformers", "mamba"])
@pytest.mark.parametrize("settings", [GREEDY, SAMPLED])
def test_a_reply_whose_numbers_overflow_is_an_error_and_its_neighbours_go_on(
    tmp_path: Path, settings: SamplingSettings, engine: str
) -> None:
    folder = save(tmp_path, "Mamba" if engine == "mamba" else "Llama", tie_word_embeddings=False)
    args = {} if engine == "mamba" else {"engine": engine}
    requests = [request(text, seed) for seed, text in enumerate(prompts(30))]
    plain = dict(checkpoint(folder, 4, **args).replies(requests, (), settings))
    model = checkpoint(folder, 4, **args)
    embedding = model._model.get_input_embeddings().weight
    embedding.data[WORDS.index("w5")] = float("inf")
    if engine == "own":
        model._small = SmallModel(model._model)
    broken = 0
    for position, reply in model.replies(requests, (), settings):
        read = requests[position].prompt.text.split() + plain[position].text.split()
        if "w5" in read[: len(read) - (plain[position].finish == "length")]:
            assert (reply.finish, reply.text, reply.error) == ("error", "", "the model's numbers overflow in float32")
            broken += 1
        else:
            assert words(reply) == words(plain[position])
    assert 0 < broken < len(requests)


def test_a_reply_stops_at_the_end_of_its_plan_and_thinking_at_its_budget(folder: Path) -> None:
    class WordEnd:
        """A style whose plans end in one word."""

        def __init__(self, word: str) -> None:
            self.last = word

        def __call__(self, text: str) -> bool:
            return text.endswith(self.last)

    requests = [request(text) for text in prompts(6)]
    model = checkpoint(folder, engine="continuous")
    free = dict(model.replies(requests, (), GREEDY))
    word = free[0].text.split()[4]
    for engine in ("continuous", "own", "transformers"):
        ending = [replace(one, ended=WordEnd(word)) for one in requests]
        for position, reply in checkpoint(folder, engine=engine).replies(ending, (), GREEDY):
            said = free[position].text.split()
            if word in said:
                assert reply.text.split() == said[: said.index(word) + 1]
                assert (reply.finish, reply.completion_tokens) == ("stop", said.index(word) + 1)
            else:
                assert words(reply) == words(free[position])
    with pytest.raises(InputError, match=r"--max-thinking-tokens: engine own .*engine=continuous"):
        list(checkpoint(folder, engine="own").replies(requests, (), SamplingSettings(max_thinking_tokens=4)))
    assert dict(model.replies(requests, (), replace(GREEDY, max_thinking_tokens=4))).keys() == free.keys()


@pytest.mark.parametrize(
    ("engine", "says"),
    [
        ("cb", r"engine=cb: runs on a CUDA device, not on cpu"),
        ("vllm", r"engine=vllm: vLLM is not installed; type: pip install"),
        ("fast", r"engine=fast: type one of auto, own, continuous"),
    ],
)
def test_an_engine_that_cannot_run_says_so_in_a_line(folder: Path, engine: str, says: str) -> None:
    with pytest.raises((InputError, MissingPackage), match=says) as error:
        checkpoint(folder, engine=engine)
    assert "\n" not in str(error.value)


def test_half_precision_and_shards_load(tmp_path: Path) -> None:
    save(tmp_path, shards=True)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    model = checkpoint(tmp_path, dtype="bfloat16")
    assert model.describe()["dtype"] == "bfloat16"
    assert len(list(model.replies([request("w1 w2")], (), GREEDY))) == 1


def test_describe_is_what_run_json_keeps(folder: Path) -> None:
    described = checkpoint(folder, 3).describe()
    json.dumps(described)
    assert described["kind"] == "transformers"
    assert described["architecture"] == "llama"
    assert described["batch_size"] == 3
    assert described["engine"] == "own"
    assert isinstance(described["parameters"], int)
    assert described["parameters"] > 5_000
    assert checkpoint(folder)._stop == {EOS}
