"""Models behind servers: what is asked, what is made of the answers, and what happens when things go wrong.

The server is one written for the tests (`hostile_server`); tests/models/test_real_servers.py has real ones.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from planbench.errors import InputError
from planbench.models.server import fleet
from planbench.prompts.blocks import answer_of
from planbench.records import SamplingSettings
from tests.models.hostile_server import Call, HostileServer
from tests.models.serving import KEY, asked, echo, model_at, question, questions


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off by its real rule, from a hundredth of a second on."""
    monkeypatch.setattr(fleet, "FIRST_WAIT", 0.01)


# What is asked


def test_everything_that_decides_a_reply_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANBENCH_API_KEY", KEY)
    settings = SamplingSettings(temperature=0.5, top_p=0.9, max_tokens=11)
    with HostileServer(echo) as server:
        model = model_at(server, body='{"top_k": -1}')
        replies = asked(model, [question("one", seed=2**40 + 3), question("two", raw=True)], (), settings)
        calls = {call.prompt: call for call in server.calls}
    common = {"model": "m", "temperature": 0.5, "top_p": 0.9, "max_tokens": 11, "stream": False, "top_k": -1}
    assert calls["one"].body == {**common, "messages": [{"role": "user", "content": "one"}], "seed": 3}
    assert calls["two"].body == {**common, "prompt": "two", "seed": 5}
    assert (calls["one"].path, calls["two"].path) == ("/v1/chat/completions", "/v1/completions")
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert [(replies[i].text, replies[i].finish, replies[i].prompt_tokens) for i in (0, 1)] == [
        ("to one", "stop", 7),
        ("to two", "stop", 7),
    ]


def test_the_text_protocol_takes_the_messages_as_text() -> None:
    with HostileServer(echo) as server:
        asked(model_at(server, api="completions"), [question("one")])
    assert [(call.path, call.body["prompt"]) for call in server.calls] == [("/v1/completions", "one")]


def test_no_key_no_header() -> None:
    with HostileServer(echo) as server:
        asked(model_at(server), questions(1))
    assert "authorization" not in server.calls[0].headers


def test_as_many_requests_as_wanted_are_in_flight() -> None:
    gate = threading.Barrier(6)

    def behave(call: Call) -> None:
        gate.wait(10)  # breaks, and the request with it, if six are never there together
        echo(call)

    with HostileServer(behave) as server:
        replies = asked(model_at(server, concurrency=6), questions(30))
        assert server.most_at_once == 6
    assert {i: reply.text for i, reply in replies.items()} == {i: f"to q{i}" for i in range(30)}


def test_shares_of_time_add_up_to_the_time_it_took() -> None:
    def behave(call: Call) -> None:
        time.sleep(0.05)
        echo(call)

    with HostileServer(behave) as server:
        model = model_at(server, concurrency=4)
        started = time.perf_counter()
        replies = asked(model, questions(12))
        took = time.perf_counter() - started
    total = sum(reply.seconds for reply in replies.values())
    assert 3 * 0.05 <= total <= took
    assert min(reply.seconds for reply in replies.values()) > 0


def test_only_what_is_not_done_is_asked() -> None:
    with HostileServer(echo) as server:
        replies = asked(model_at(server), questions(5), done=(0, 3))
    assert sorted(replies) == [1, 2, 4]
    assert sorted(call.prompt for call in server.calls) == ["q1", "q2", "q4"]


def test_leaving_early_ends_the_requests_and_the_thread() -> None:
    def behave(call: Call) -> None:
        call.until_gone() if call.number else echo(call)

    with HostileServer(behave) as server:
        replies = model_at(server, concurrency=4).replies(questions(9), (), SamplingSettings())
        next(iter(replies))
        replies.close()  # type: ignore[attr-defined]
        assert not [thread for thread in threading.enumerate() if thread.name == "planbench-server"]
        deadline = time.monotonic() + 10
        while server.at_once and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.at_once == 0


# What is made of the answers


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ({"content": "plan", "reasoning_content": "well"}, "plan"),
        ({"content": "plan", "reasoning": "well </think> no: <think> (go p0 p1)"}, "plan"),
        ({"content": "plan", "reasoning_content": None, "reasoning": "well"}, "plan"),
        ({"content": [{"type": "thinking", "thinking": [{"text": "well"}]}, {"type": "text", "text": "plan"}]}, "plan"),
        ({"content": "<think>well</think>plan"}, "plan"),
        ({"content": None, "reasoning_content": "well (go p0 p1)"}, ""),
        ({"content": None, "refusal": "I cannot"}, "I cannot"),
        ({"content": None, "tool_calls": [{"function": {"name": "go"}}]}, ""),
        ({"content": "\ud800 plan"}, "\ufffd plan"),
    ],
)
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_reasoning_is_kept_and_the_plan_is_read_from_the_answer(
    message: dict[str, Any], answer: str, finish: str
) -> None:
    def behave(call: Call) -> None:
        choice = {"finish_reason": finish, "message": message}
        call.answer({"choices": [choice], "usage": {"completion_tokens": 16}})

    with HostileServer(behave) as server:
        reply = asked(model_at(server), questions(1))[0]
    assert reply.finish == finish
    assert reply.completion_tokens == 16
    assert answer_of(reply.text).strip() == answer
    assert ("well" in reply.text) == ("well" in json.dumps(message))


@pytest.mark.parametrize(
    ("finish", "tokens", "kept"),
    [
        ("stop", 16, "stop"),
        ("length", 3, "length"),
        ("max_tokens", 3, "length"),
        (None, 16, "length"),
        (None, 3, "stop"),
        ("content_filter", 3, "stop"),
        ("something_new", 3, "stop"),
        ("abort", 3, "error"),
    ],
)
def test_finish_reasons(finish: str | None, tokens: int, kept: str) -> None:
    with HostileServer(lambda call: call.reply("plan", finish, tokens)) as server:
        assert asked(model_at(server), questions(1))[0].finish == kept


@pytest.mark.parametrize(
    "usage", [None, [], {"prompt_tokens": -1, "completion_tokens": "9"}, {"completion_tokens": True}]
)
def test_token_counts_that_are_none(usage: object) -> None:
    choice = {"finish_reason": "stop", "message": {"content": "plan"}}
    with HostileServer(lambda call: call.answer({"choices": [choice], "usage": usage})) as server:
        reply = asked(model_at(server), questions(1))[0]
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("plan", None, None)


# What a server wants otherwise


def test_a_reply_gets_the_room_that_the_context_leaves() -> None:
    said = "This model's maximum context length is 20 tokens. However, you requested 23 tokens"

    def behave(call: Call) -> None:
        if call.prompt == "q1" or "max_tokens" in call.body:
            call.answer({"error": {"message": said}}, 400)
        else:
            echo(call)

    with HostileServer(behave) as server:
        model = model_at(server)
        replies = asked(model, questions(2))
    assert (replies[0].text, replies[0].finish) == ("to q0", "stop")
    # As in process: no room for a reply is the model's limit and no failure of ours.
    assert (replies[1].text, replies[1].finish) == ("", "length")
    assert "prompts that the model's context has no room for: 1" in model.notes()[0]


@pytest.mark.parametrize("nullable", [True, False])
def test_a_text_that_is_continued_gets_that_room_too(nullable: bool) -> None:
    """Where the limit is left out it would be 16 tokens there, so that none is said, where the server takes that."""

    def behave(call: Call) -> None:
        if call.body.get("max_tokens") is not None:
            call.answer({"error": {"message": "maximum context length is 20 tokens"}}, 400)
        elif "max_tokens" in call.body and not nullable:
            call.answer({"error": {"message": "max_tokens: Input should be a valid integer"}}, 422)
        else:
            call.reply("all" if "max_tokens" in call.body else "some")

    with HostileServer(behave) as server:
        replies = asked(model_at(server), [question("q", raw=True), question("r", raw=True)])
    assert {reply.text for reply in replies.values()} == {"all" if nullable else "some"}


def test_a_rejected_text_about_seeds_does_not_take_the_seed_from_others() -> None:
    def behave(call: Call) -> None:
        if call.prompt == "q0":
            call.answer({"error": {"message": "content rejected: 'the seed is on the table' is unsafe"}}, 400)
        else:
            call.reply(str("seed" in call.body))

    with HostileServer(behave) as server:
        replies = asked(model_at(server, concurrency=1), questions(4))
    assert [reply.text for reply in replies.values() if reply.finish == "stop"] == ["True"] * 3


def test_a_budget_for_thinking_is_not_ignored() -> None:
    with HostileServer(echo) as server, pytest.raises(InputError, match="--max-thinking-tokens"):
        asked(model_at(server), questions(1), (), SamplingSettings(max_thinking_tokens=7))


def test_newer_names_and_no_seed() -> None:
    def behave(call: Call) -> None:
        if "max_tokens" in call.body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            call.answer({"error": {"message": said}}, 400)
        elif "seed" in call.body:
            call.answer({"detail": "Unexpected fields in the request: {'seed'}"}, 422)
        else:
            call.reply(str(call.body["max_completion_tokens"]))

    with HostileServer(behave) as server:
        model = model_at(server, concurrency=3)
        assert {reply.text for reply in asked(model, questions(9)).values()} == {"16"}
        assert len(server.calls) <= 9 + 2 * 3
    assert model.notes() == ["the server takes no seed: sampled again, replies may differ"]


def test_a_temperature_is_never_dropped_in_silence() -> None:
    def behave(call: Call) -> None:
        if "temperature" in call.body:
            call.answer({"error": {"message": "Unsupported value: 'temperature'"}}, 400)
        else:
            echo(call)

    with HostileServer(behave) as server:
        assert asked(model_at(server), questions(1))[0].finish == "error"
        assert asked(model_at(server, body='{"temperature": null}'), questions(1))[0].text == "to q0"


def test_replies_of_another_model_are_told_of() -> None:
    def behave(call: Call) -> None:
        call.body["model"] = "other-7b"
        echo(call)

    with HostileServer(behave) as server:
        model = model_at(server)
        asked(model, questions(2))
    assert model.notes() == ["replies came from other-7b, by the server's own word, where m was asked"]
