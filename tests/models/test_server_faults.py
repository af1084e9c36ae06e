"""Whatever a server does, a request ends in bounded time and memory, in a reply or in one reason."""

from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

from planbench.models.server import fleet
from tests.models.hostile_server import Behaviour, Call, HostileServer, endless_body, endless_headers
from tests.models.serving import asked, echo, model_at, questions


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off by its real rule, from a hundredth of a second on."""
    monkeypatch.setattr(fleet, "FIRST_WAIT", 0.01)


# What goes wrong


def _huge_body(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        call.raw(b'"' * 1_000_000)


def _endless_error(call: Call) -> None:
    call.raw(b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000000\r\n\r\n")
    for _ in range(1000):
        call.raw(b"no " * 300_000)


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
    "endless body": (endless_body, "the answer is longer than 1028 KiB"),
    "a gigabyte": (_huge_body, "the answer is longer than 1028 KiB"),
    "endless error": (_endless_error, "HTTP 500: no no"),
    "endless headers": (endless_headers, "the connection broke"),
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
