"""Models behind servers: what is asked, what is made of the answers, and what happens when things go wrong.

The server is one written for the tests (`hostile_server`); tests/models/test_real_servers.py has real ones.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import pytest

from planbench.errors import InputError
from planbench.models import load
from planbench.models.base import Model
from planbench.models.server import fleet
from planbench.models.server.address import read_address
from planbench.models.server.model import ServerModel
from planbench.prompts.blocks import answer_of
from planbench.records import Message, Prompt, Reply, Request, SamplingSettings
from tests.models.checkpoints import walk
from tests.models.hostile_server import Behaviour, Call, HostileServer

KEY = "sk-0123456789-secret"
WALK = walk(3)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off by its real rule, from a hundredth of a second on."""
    monkeypatch.setattr(fleet, "FIRST_WAIT", 0.01)


def question(text: str, *, raw: bool = False, seed: int = 5) -> Request:
    return Request(text, Prompt("test", (Message("user", text),), raw=raw), WALK, "0" * 16, 0, seed)


def questions(count: int) -> list[Request]:
    return [question(f"q{number}") for number in range(count)]


def model_at(*servers: HostileServer, name: str = "m", concurrency: int | None = None, **args: str) -> ServerModel:
    urls = ",".join(server.url for server in servers)
    found: Model = load(f"server:{urls}#{name}", model_args={"retries": "2", **args}, concurrency=concurrency)
    assert isinstance(found, ServerModel)
    return found


def asked(
    model: ServerModel, requests: Sequence[Request], done: Sequence[int] = (), settings: SamplingSettings | None = None
) -> dict[int, Reply]:
    return dict(model.replies(requests, done, settings or SamplingSettings(max_tokens=16)))


def echo(call: Call) -> None:
    call.reply(f"to {call.prompt}")


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


# What goes wrong


def _endless_body(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        call.raw(b"10000\r\n" + b" " * 65536 + b"\r\n")


def _huge_body(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        call.raw(b'"' * 1_000_000)


def _endless_error(call: Call) -> None:
    call.raw(b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        call.raw(b"no " * 300_000)


def _endless_headers(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.raw(b"X-More: " + b"x" * 1000 + b"\r\n")


def _endless_stream(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    while True:
        call.raw(b'data: {"choices": [{"delta": {"content": "go "}}]}\n\n' * 100)


def _drip(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        call.raw(b" ")
        time.sleep(0.05)


def _cut(call: Call) -> None:
    call.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"choices": [')
    call.hang_up()


def _half_closed(call: Call) -> None:
    call.connection.shutdown(socket.SHUT_WR)
    call.until_gone()


def _bomb(call: Call) -> None:
    call.answer(gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})


MISBEHAVIOURS: dict[str, tuple[Behaviour, str]] = {
    "endless body": (_endless_body, "the answer is longer than 1028 KiB"),
    "a gigabyte": (_huge_body, "the answer is longer than 1028 KiB"),
    "endless error": (_endless_error, "HTTP 500: no no"),
    "endless headers": (_endless_headers, "the connection broke"),
    "endless stream": (_endless_stream, "the answer is longer than"),
    "stream": (
        lambda call: call.answer(b"data: [DONE]\n\n", kind="text/event-stream"),
        "the server streams its answer",
    ),
    "drip": (_drip, "no whole answer in 0.5 s"),
    "silence": (lambda call: call.until_gone(), "no whole answer in 0.5 s"),
    "cut in the middle": (_cut, "the connection broke"),
    "closed without a word": (lambda call: call.hang_up(), "the connection broke"),
    "half closed": (_half_closed, "the connection broke"),
    "no HTTP": (lambda call: call.raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "the connection broke"),
    "malformed JSON": (lambda call: call.answer(b'{"choices": [{"mess'), "the answer is not JSON: {"),
    "not UTF-8": (lambda call: call.answer(b'{"choices": "\xff\xfe"}'), "the answer is not JSON"),
    "deep JSON": (lambda call: call.answer(b"[" * 200_000), "the answer is JSON nested too deep"),
    "a number of many digits": (lambda call: call.answer(b"[" + b"9" * 9000 + b"]"), "the answer is not JSON"),
    "empty": (lambda call: call.answer(b""), "the answer is not JSON"),
    "HTML": (
        lambda call: call.answer(b"<!DOCTYPE html><title>Log in</title>", kind="text/html"),
        "the answer is not JSON: an HTML page (Log in)",
    ),
    "a list": (lambda call: call.answer([]), "the answer is JSON, but no object"),
    "no choices": (lambda call: call.answer({"error": {"message": "busy\n\x1b[31m"}}), "no choices in it: busy"),
    "choices of another kind": (lambda call: call.answer({"choices": ["a"]}), "the answer has no choices in it"),
    "no text": (lambda call: call.answer({"choices": [{"message": {"content": 5}}]}), "the answer has no text"),
    "compressed": (_bomb, "the answer is compressed"),
    "500": (lambda call: call.answer({"error": "out of memory"}, 500), "HTTP 500: out of memory"),
    "503": (lambda call: call.answer(b"", 503), "HTTP 503"),
    "429 for ever": (lambda call: call.answer({"detail": "slow down"}, 429), "HTTP 429: slow down"),
    "429 for a year": (
        lambda call: call.answer(b"", 429, headers={"Retry-After": "31536000"}),
        "HTTP 429 (the server asks to wait 31536000 s",
    ),
    "400": (lambda call: call.answer({"error": {"message": "no such role"}}, 400), "HTTP 400: no such role"),
    "401": (
        lambda call: call.answer({"error": {"message": "no key"}}, 401),
        "HTTP 401: no key (the server wants a key",
    ),
    "wrong model": (
        lambda call: call.answer({"error": {"message": "The model `m` does not exist"}}, 404),
        "HTTP 404: The model `m` does not exist (there is no such model",
    ),
    "redirect": (
        lambda call: call.answer(b"", 307, headers={"Location": "http://evil.example/"}),
        "HTTP 307: the server sends us elsewhere",
    ),
}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_misbehaviour_ends_in_one_reason_in_bounded_time_and_memory(name: str) -> None:
    behave, reason = MISBEHAVIOURS[name]
    with HostileServer(behave) as server:
        model = model_at(server, retries="1", timeout="0.5" if "0.5 s" in reason else "20")
        reply = asked(model, questions(1))[0]
        # What the sockets' buffers hold comes on top of what was read.
        assert server.bytes_sent < 2 * 16 * 2**20
    assert reply.finish == "error"
    assert reply.error.startswith(f"{server.url}: ")
    assert reason in reply.error
    assert reply.error.isprintable()
    assert len(reply.error) < 500
    assert len(server.calls) <= 3
    assert any("samples without a reply: 1" in note for note in model.notes())


def test_trouble_passes() -> None:
    def behave(call: Call) -> None:
        (_cut, MISBEHAVIOURS["500"][0], MISBEHAVIOURS["HTML"][0], echo)[min(call.number, 3)](call)

    with HostileServer(behave) as server:
        model = model_at(server, retries="3")
        assert asked(model, questions(1))[0].text == "to q0"
    assert model.notes() == [
        "requests that failed: 3 (1 the connection broke, 1 HTTP 500, 1 the answer is not JSON); "
        "sent again where that could help"
    ]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "1"}, 1), ({"retry-after-ms": "300"}, 0.3), ({"x-ratelimit-reset-requests": "300ms"}, 0.3)],
)
def test_a_rate_limit_is_honoured_by_all_requests(headers: dict[str, str], seconds: float) -> None:
    told: list[float] = []

    def behave(call: Call) -> None:
        if not told:
            told.append(time.monotonic())
            call.answer(b"", 429, headers=headers)
        else:
            echo(call)

    with HostileServer(behave) as server:
        # One after the other, so that nothing is on its way when the limit is told.
        replies = asked(model_at(server, concurrency=1), questions(4))
    assert [replies[i].text for i in range(4)] == [f"to q{i}" for i in range(4)]
    assert min(call.at for call in server.calls[1:]) - told[0] >= seconds


def test_a_server_that_takes_few_requests_loses_none() -> None:
    """Far more in flight than it takes at once, and hardly any retries: others being served is what counts."""
    serving = threading.Semaphore(2)

    def behave(call: Call) -> None:
        if not serving.acquire(blocking=False):
            call.answer(b"", 429, headers={"retry-after-ms": "20"})
            return
        try:
            time.sleep(0.01)
            echo(call)
        finally:
            serving.release()

    with HostileServer(behave) as server:
        replies = asked(model_at(server, concurrency=24, retries="1"), questions(60))
    assert {i: reply.text for i, reply in replies.items()} == {i: f"to q{i}" for i in range(60)}


def test_one_request_that_always_fails_harms_no_other() -> None:
    def behave(call: Call) -> None:
        call.answer({"error": "a bug"}, 500) if call.prompt == "q3" else echo(call)

    with HostileServer(behave) as server:
        replies = asked(model_at(server, concurrency=2), questions(20))
        assert len([call for call in server.calls if call.prompt == "q3"]) == 3
    assert [i for i, reply in replies.items() if reply.finish == "error"] == [3]


def test_where_all_is_lost_the_rest_is_not_asked() -> None:
    with HostileServer(MISBEHAVIOURS["500"][0]) as server:
        replies = asked(model_at(server, concurrency=4, retries="1"), questions(500))
    assert len(replies) == 500
    assert {reply.finish for reply in replies.values()} == {"error"}
    assert len(server.calls) <= 2 * (fleet.LOST_IN_A_ROW + 4)


def test_a_fleet_shares_the_work_and_survives_a_server_that_dies() -> None:
    with HostileServer(echo) as first, HostileServer(echo) as second, HostileServer(echo) as third:

        def dying(call: Call) -> None:
            second.die() if len(second.calls) > 5 else echo(call)

        second.behave = dying
        model = model_at(first, second, third, concurrency=6)
        replies = asked(model, questions(90))
        assert len(second.calls) > 5
        assert min(len(first.calls), len(third.calls)) > 20
    assert {i: reply.text for i, reply in replies.items()} == {i: f"to q{i}" for i in range(90)}


def test_a_fleet_leaves_out_a_server_that_was_never_there() -> None:
    with HostileServer(echo) as gone:
        pass
    with HostileServer(echo) as server:
        replies = asked(model_at(gone, server, retries="1"), questions(10))
    assert {reply.finish for reply in replies.values()} == {"stop"}


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


# Which model, and which server


def test_the_only_model_is_taken_and_of_several_one_must_be_named() -> None:
    with HostileServer(echo, models=["only/one"]) as one, HostileServer(echo, models=["a", "b", "c"]) as several:
        model = model_at(one, name="")
        assert model.name == f"server:{one.url}#only/one"
        assert asked(model, questions(1))[0].text == "to q0"
        assert one.calls[0].body["model"] == "only/one"
        with pytest.raises(InputError, match=r"say which model is meant.*there is: a, b, c$"):
            model_at(several, name="")


def test_a_model_that_is_not_there() -> None:
    def behave(call: Call) -> None:
        call.answer({"error": {"message": "The model `z` does not exist."}}, 404)

    with (
        HostileServer(behave, models=["a", "b"]) as server,
        pytest.raises(InputError, match=r"does not serve z \(HTTP 404: The model `z`.*it lists: a, b$"),
    ):
        model_at(server, name="z")


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_without_a_list_serves_the_model_that_is_named(status: int) -> None:
    with HostileServer(echo, models=lambda call: call.answer(b"", status)) as server:
        assert asked(model_at(server), questions(1))[0].text == "to q0"
        with pytest.raises(InputError, match="lists no models, so say which one"):
            model_at(server, name="")


def test_the_fingerprint_is_of_servers_model_and_what_they_say_of_it() -> None:
    entry = {"id": "m", "max_model_len": 4096, "root": "/models/m"}
    with HostileServer(echo, models=[entry]) as one, HostileServer(echo, models=[dict(entry)]) as two:
        first = model_at(one).fingerprint
        assert model_at(one).fingerprint == first  # though the list gives the time
        assert model_at(one, retries="7", concurrency=3).fingerprint == first
        both = model_at(one, two)
        assert model_at(two, one).fingerprint == both.fingerprint != first
        assert both.max_context == 4096
        assert model_at(one, api="completions").fingerprint != first
        one.models = [{**entry, "max_model_len": 8192}]
        assert model_at(one).fingerprint != first
        with pytest.raises(InputError, match=r"serve different models as m \(max_model_len: 8192 and 4096\)"):
            model_at(one, two)


def _status(status: int, body: bytes = b"", kind: str = "application/json") -> Behaviour:
    return lambda call: call.answer(body, status, kind)


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (_status(401, b'{"error": "who are you"}'), r"HTTP 401: who are you \(the server wants a key"),
        (_status(200, b"<html><title>Router</title>", "text/html"), r"an HTML page \(Router\).*mostly ends in /v1\?"),
        (_status(503), "HTTP 503; check the address"),
        (_endless_body, "the answer is longer than 8192 KiB"),
        (_endless_headers, "the connection broke"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_line(listing: Behaviour, reason: str) -> None:
    with HostileServer(echo, models=listing) as server, pytest.raises(InputError, match=reason) as caught:
        model_at(server, retries="1")
    assert "\n" not in str(caught.value)


def test_no_server_is_one_line() -> None:
    with HostileServer(echo) as gone:
        pass
    with pytest.raises(InputError, match=r"no connection .*check the address, and that the server runs"):
        model_at(gone)


@pytest.mark.parametrize(
    ("text", "urls", "model"),
    [
        ("http://127.0.0.1:8000/v1#m", ["http://127.0.0.1:8000/v1"], "m"),
        ("http://127.0.0.1:8000", ["http://127.0.0.1:8000/v1"], ""),
        ("https://api.example.org/openai/v1/#a/b:c#d", ["https://api.example.org/openai/v1"], "a/b:c#d"),
        ("http://h:1/v1/chat/completions", ["http://h:1/v1"], ""),
        ("http://[::1]:9/v1,http://b:2#m", ["http://[::1]:9/v1", "http://b:2/v1"], "m"),
    ],
)
def test_addresses(text: str, urls: list[str], model: str) -> None:
    assert read_address(text).urls == tuple(urls)
    assert read_address(text).model == model


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("localhost:8000#m", "no http or https URL"),
        ("ftp://h/v1", "no http or https URL"),
        ("http://", "no http or https URL"),
        ("http://h:99999/v1", "no http or https URL"),
        ("http://a b/v1", "no http or https URL"),
        ("http://h:1,#m", "no http or https URL"),
        ("http://h:1,http://h:1/v1", "the same URL twice"),
        ("http://me:sesame@h:1/v1", "PLANBENCH_API_KEY"),
        ("http://h:1/v1?key=sesame", "PLANBENCH_API_KEY"),
        ("http://h:1/v1#m\x1b", "cannot be printed"),
    ],
)
def test_addresses_that_are_none(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        load(f"server:{text}")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({"temperature": "1"}, "takes no such setting"),
        ({"api": "responses"}, "chat or completions"),
        ({"timeout": "0"}, "seconds above 0"),
        ({"timeout": "inf"}, "seconds above 0"),
        ({"retries": "-1"}, "whole number"),
        ({"body": "[]"}, "not a JSON object"),
        ({"body": '{"stream": true}'}, "stream is set by planbench"),
    ],
)
def test_settings_that_are_none(args: dict[str, str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load("server:http://127.0.0.1:9/v1#m", model_args=args)


def test_a_batch_size_is_the_server_s_own_affair() -> None:
    with pytest.raises(InputError, match="--concurrency"):
        load("server:http://127.0.0.1:9/v1#m", batch_size=4)


@pytest.mark.parametrize("key", ["two words", "schlüssel-geheim", "line\nbreak"])
def test_a_key_that_cannot_be_sent_is_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("PLANBENCH_API_KEY", key)
    with pytest.raises(InputError, match="PLANBENCH_API_KEY") as caught:
        load("server:http://127.0.0.1:9/v1#m")
    assert not any(part in str(caught.value) for part in key.split())
