"""Which server and which model are meant, and what is refused at the start."""

from __future__ import annotations

import pytest

from planbench.errors import InputError
from planbench.models import load
from planbench.models.server import fleet
from planbench.models.server.address import read_address
from tests.models.hostile_server import Behaviour, Call, HostileServer, endless_body, endless_headers
from tests.models.serving import asked, echo, model_at, questions


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off by its real rule, from a hundredth of a second on."""
    monkeypatch.setattr(fleet, "FIRST_WAIT", 0.01)


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
        (endless_body, "the answer is longer than 8192 KiB"),
        (endless_headers, "the connection broke"),
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


def test_an_unlisted_model_that_wants_newer_names_is_there() -> None:
    def behave(call: Call) -> None:
        if "max_tokens" in call.body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            call.answer({"error": {"message": said}}, 400)
        else:
            echo(call)

    with HostileServer(behave, models=[]) as server:
        model = model_at(server, name="gpt5")
        assert asked(model, questions(1))[0].text == "to q0"


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
