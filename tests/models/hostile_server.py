"""A server written for the tests: it speaks OpenAI's protocol, and misbehaves as it is told.

What it does with each request is a function of the test's, which sends bytes, as many and as slowly as it likes. It is
HTTP by hand, so that it can be wrong in every way. It counts what it sent, and how many requests it had at once.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from types import TracebackType
from typing import Any


@dataclass
class Call:
    """One request. `number` counts calls that ask for a reply from 0; `at` is when it came."""

    server: HostileServer
    connection: socket.socket
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    number: int
    at: float = field(default_factory=time.monotonic)

    @property
    def prompt(self) -> str:
        return self.body["prompt"] if "prompt" in self.body else self.body["messages"][-1]["content"]

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.connection.sendall(data)
        with self.server.lock:
            self.server.bytes_sent += len(data)

    def answer(
        self, body: Any, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": kind, "Content-Length": str(len(content)), "Date": formatdate(usegmt=True)}
        lines = [
            f"HTTP/1.1 {status} Whatever",
            *(f"{key}: {value}" for key, value in (given | (headers or {})).items()),
        ]
        self.raw("\r\n".join([*lines, "", ""]).encode() + content)

    def reply(self, text: str, finish: str | None = "stop", tokens: int = 3, **message: Any) -> None:
        """A good answer, by the protocol that was asked in."""
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if "prompt" in self.body:
            choice["text"] = text
        else:
            choice["message"] = {"role": "assistant", "content": text, **message}
        usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
        self.answer({"id": "1", "model": self.body["model"], "choices": [choice], "usage": usage})

    def hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def until_gone(self, seconds: float = 20) -> None:
        """Wait until the client hangs up."""
        self.connection.settimeout(seconds)
        with suppress(OSError):
            self.connection.recv(1)


Behaviour = Callable[[Call], None]


class HostileServer:
    """`with HostileServer(behave) as server:`; `server.url` is the address of its API.

    `models` is what it lists: names, or whole entries; None has it answer 404.
    """

    def __init__(self, behave: Behaviour, models: list[Any] | Behaviour | None = None, port: int = 0) -> None:
        self.behave = behave
        self.models = [{"id": "m"}] if models is None else models
        self.lock = threading.Lock()
        self.calls: list[Call] = []
        self.bytes_sent = 0
        self.at_once = self.most_at_once = 0
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512, reuse_port=False)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._open: set[socket.socket] = set()
        self._stopped = False

    def __enter__(self) -> HostileServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.die()

    def die(self) -> None:
        """Drop every connection and take no other, as a server that is killed."""
        self._stopped = True
        # A listener that another thread waits on is only let go by shutdown.
        for one in (self._listener, *list(self._open)):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                while (call := self._read(connection, lines)) is not None:
                    if call.path.endswith("/models"):
                        self._list(call)
                        continue
                    with self.lock:
                        self.at_once += 1
                        self.most_at_once = max(self.most_at_once, self.at_once)
                    try:
                        self.behave(call)
                    finally:
                        with self.lock:
                            self.at_once -= 1
        except (OSError, ValueError):
            pass  # the client went, or the server died
        finally:
            self._open.discard(connection)

    def _read(self, connection: socket.socket, lines: Any) -> Call | None:
        start = lines.readline()
        if not start:
            return None
        method, path, _ = start.decode().split(" ")
        headers: dict[str, str] = {}
        while (line := lines.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = json.loads(lines.read(int(headers.get("content-length", 0))) or b"null")
        with self.lock:
            asked = method == "POST"
            call = Call(self, connection, method, path, headers, body, len(self.calls) if asked else -1)
            if asked:
                self.calls.append(call)
        return call

    def _list(self, call: Call) -> None:
        if callable(self.models):
            self.models(call)
        else:
            named: list[dict[str, Any]] = [one if isinstance(one, dict) else {"id": one} for one in self.models]
            data = [{"created": time.time_ns(), **one} for one in named]  # vLLM gives the moment, too
            call.answer({"object": "list", "data": data})


def endless_body(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        call.raw(b"10000\r\n" + b" " * 65536 + b"\r\n")


def endless_headers(call: Call) -> None:
    call.raw(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.raw(b"X-More: " + b"x" * 1000 + b"\r\n")
