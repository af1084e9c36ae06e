"""Requests to a server of the test's own, and a model that asks it."""

from __future__ import annotations

from collections.abc import Sequence

from planbench.models import load
from planbench.models.base import Model
from planbench.models.server.model import ServerModel
from planbench.records import Message, Prompt, Reply, Request, SamplingSettings
from tests.models.checkpoints import walk
from tests.models.hostile_server import Call, HostileServer

KEY = "sk-0123456789-secret"
WALK = walk(3)


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
