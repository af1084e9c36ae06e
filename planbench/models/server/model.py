"""A model behind a server, or behind several, as a `Model`.

Requests are sent from an event loop in a thread of its own, so that judging a reply holds up no other; as many are in
flight as `concurrency` says, and as many again may wait to be judged. Leaving the iterator, by Ctrl-C or otherwise,
drops what is in flight.

A request that is lost ends in a reply with finish `error`, which is no reply of the model: the same command asks again.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Collection, Coroutine, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, TypeVar

from planbench.errors import InputError
from planbench.models.catalog import LoadOptions
from planbench.models.server.address import Address, Key, read_address
from planbench.models.server.exchange import ask, open_client
from planbench.models.server.faults import Fault
from planbench.models.server.fleet import Fleet
from planbench.models.server.listing import Listing, read_listings
from planbench.models.server.protocol import PATHS, SAMPLED, Answer, Dialect, read_answer
from planbench.models.server.settings import Settings, read_settings
from planbench.records import Prompt, Reply, Request, SamplingSettings

_Item = tuple[int, Reply]
_T = TypeVar("_T")

_CLOSE_SECONDS = 2.0
_NAMES = 4
_ANSWER_BYTES = 2**20
_TOKEN_BYTES = 256
"""An answer may have so many bytes, and so many more for each token asked for."""


def load(text: str, options: LoadOptions) -> ServerModel:
    """The model that stands behind `server:` in a MODEL string.

    Raises InputError for an address or a setting that is none, for servers that cannot be reached, and where it is not
    said which of several models is meant.
    """
    address, settings, key = read_address(text), read_settings(options), Key.from_environment()
    listing = read_listings(address, key, settings)
    return ServerModel(Address(address.urls, listing.model), settings, key, listing)


def check(text: str, options: LoadOptions, settings: SamplingSettings) -> None:
    """Raise InputError for what would be refused before any server is asked."""
    read_address(text)
    read_settings(options)
    Key.from_environment()
    _refuse_thinking(settings)


def _refuse_thinking(settings: SamplingSettings) -> None:
    if settings.max_thinking_tokens is not None:
        raise InputError(
            "--max-thinking-tokens: a server ends reasoning by its own rules; leave it out, and send what it takes "
            "with --model-arg body="
        )


class ServerModel:
    """A model behind servers."""

    prompt_style = None
    default_max_tokens = None
    incidental = frozenset({"timeout", "retries"})
    """Settings that change no reply: a run goes on with others."""

    def __init__(self, address: Address, settings: Settings, key: Key, listing: Listing) -> None:
        self.address, self.settings = address, settings
        self.name, self.max_context = address.name, listing.max_context
        self._key, self._listing = key, listing
        self._dialect = Dialect(settings.api, settings.body)
        self._fleet = self._new_fleet()
        self._others: set[str] = set()
        self._too_long = 0
        said = json.dumps(["1", sorted(address.urls), address.model, listing.entry, settings.api, settings.body])
        self.fingerprint = f"server-{blake2b(said.encode(), digest_size=8).hexdigest()}"

    def describe(self) -> dict[str, str | int | float | bool | None]:
        entry = {f"server_{key}": value for key, value in self._listing.entry.items()}
        return {
            "kind": "server",
            "urls": ", ".join(self.address.urls),
            "model": self.address.model,
            "api": self.settings.api,
            "concurrency": self.settings.concurrency,
            **entry,
        }

    def rendered(self, prompt: Prompt) -> str:
        """What is sent for a prompt, less how it is sampled; the template is the server's."""
        body = self._dialect.body(self.address.model, prompt, 0, SamplingSettings())
        return json.dumps({key: body[key] for key in body if key not in SAMPLED}, indent=2, ensure_ascii=False)

    def notes(self) -> list[str]:
        """What the person should know of the requests so far."""
        fleet, notes = self._fleet, list[str]()
        if again := sum(fleet.troubles.values()):
            why = ", ".join(f"{count} {reason}" for reason, count in fleet.troubles.most_common(4))
            notes.append(f"requests that failed: {again} ({why}); sent again where that could help")
        if fleet.lost:
            notes.append(f"samples without a reply: {fleet.lost}; the same command asks again")
        notes.extend(f"asked no more: {server.closed}" for server in fleet.servers if server.closed)
        if self._too_long:
            notes.append(f"prompts that the model's context has no room for: {self._too_long}; their replies are empty")
        if not self._dialect.seeded:
            notes.append("the server takes no seed: sampled again, replies may differ")
        if self._others:
            names = ", ".join(sorted(self._others))
            notes.append(f"replies came from {names}, by the server's own word, where {self.address.model} was asked")
        return notes

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[_Item]:
        """As `Model.replies`. Raises InputError for a budget for thinking, which only the server could keep."""
        _refuse_thinking(settings)
        finished = frozenset(done)
        wanted = [position for position in range(len(requests)) if position not in finished]
        self._fleet = self._new_fleet()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(loop,), name="planbench-server", daemon=True)
        thread.start()

        def there(work: Coroutine[Any, Any, _T]) -> _T:
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        try:
            ready: asyncio.Queue[_Item | None] = asyncio.Queue(self.settings.concurrency)
            work = asyncio.run_coroutine_threadsafe(self._work(requests, wanted, settings, ready), loop)
            while (item := there(ready.get())) is not None:
                yield item
            work.result()
        finally:
            asyncio.run_coroutine_threadsafe(_end(), loop)
            thread.join(_CLOSE_SECONDS)

    async def _work(
        self,
        requests: Sequence[Request],
        wanted: Sequence[int],
        settings: SamplingSettings,
        ready: asyncio.Queue[_Item | None],
    ) -> None:
        """Ask for all that is wanted, by as many workers as requests may be in flight."""
        positions, share = iter(wanted), _Share()

        async def worker() -> None:
            # A client each: a pool of connections goes through all of them for every request.
            async with open_client(self._key) as client:
                for position in positions:
                    started = share.enter()
                    reply = await self._reply(client, requests[position], settings)
                    await ready.put((position, replace(reply, seconds=share.leave(started))))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.settings.concurrency, len(wanted))):
                    group.create_task(worker())
        except Exception:  # whatever it is, it is raised where the replies are read, which must not wait for more
            await ready.put(None)
            raise
        # Not where this is called off: nobody takes it then, and the queue may be full.
        await ready.put(None)

    async def _reply(self, client: Any, request: Request, settings: SamplingSettings) -> Reply:
        """A reply, whatever happens."""
        most = _ANSWER_BYTES + _TOKEN_BYTES * settings.max_tokens
        api = self._dialect.api_of(request.prompt)

        async def send(url: str) -> Answer:
            limited = True
            while True:
                body = self._dialect.body(self.address.model, request.prompt, request.seed, settings, limited=limited)
                try:
                    data = await ask(
                        client, url + PATHS[api], body, self._key, seconds=self.settings.timeout, most=most
                    )
                    return read_answer(data, api, settings.max_tokens)
                except Fault as fault:
                    if fault.kind == "context" and limited:
                        # The room that is left is less than what was asked for: then all of it.
                        limited = False
                    elif not (fault.kind == "rejected" and self._dialect.adapt(body, fault.reason)):
                        raise Fault(fault.kind, self._key.hide(fault.reason), fault.wait) from None

        try:
            answer: Answer = await self._fleet.ask(send)
        except Fault as fault:
            if fault.kind == "context":
                self._too_long += 1
                return Reply("", "length", completion_tokens=0, error=fault.reason)
            return Reply("", "error", error=fault.reason)
        except Exception as error:  # a fault of ours, or of a library, loses one reply and not the run
            return Reply("", "error", error=self._key.hide(f"asking failed: {type(error).__name__}: {error}")[:300])
        if answer.model and not _same(answer.model, self.address.model):
            self._others.add(answer.model[:80])
            self._others = set(sorted(self._others)[:_NAMES])
        return Reply(answer.text, answer.finish, answer.prompt_tokens, answer.completion_tokens)

    def _new_fleet(self) -> Fleet:
        return Fleet(self.address.urls, self.settings.concurrency, self.settings.retries)


class _Share:
    """Each request's share of the time that passes: divided, at each moment, by the requests in flight. So the shares
    of a run add up to the time it took."""

    def __init__(self) -> None:
        self._at, self._passed, self._count = time.perf_counter(), 0.0, 0

    def enter(self) -> float:
        self._move(1)
        return self._passed

    def leave(self, entered: float) -> float:
        self._move(-1)
        return self._passed - entered

    def _move(self, change: int) -> None:
        now = time.perf_counter()
        if self._count:
            self._passed += (now - self._at) / self._count
        self._at = now
        self._count += change


def _same(one: str, other: str) -> bool:
    """Whether two names are of one model: a server may add a date, a revision or a folder, or leave them out."""
    short, long = sorted((one.lower().rsplit("/", 1)[-1], other.lower().rsplit("/", 1)[-1]), key=len)
    return short in long


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _end() -> None:
    """Drop all that is in flight and stop the loop that this runs in."""
    loop = asyncio.get_running_loop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=_CLOSE_SECONDS) if others else None
    loop.stop()
