"""Which server is asked next, and which is left in peace for a while.

A request goes to the server that has the fewest in flight. Where it brings no reply it goes to another, and when as
many as three have failed it, it waits: longer each time, by an amount that is partly chance, so that requests that
failed together do not come back together. After `retries` such rounds it is lost, and its sample is an error of ours.

    too many requests   the server is left alone for as long as it says, and gets half as many at once afterwards, one
                        more for every so many replies. Waiting takes none of the retries while others are served.
    a server in a fleet that fails twice in a row is left alone, for longer each time, and then tried with one request
    no reply in time    tried once more
    refused for good    (a wrong key, a model that is not there) that server is asked no more

Where request after request is lost, no more is asked: the rest is lost at once, for the same reason. So a run with a
server that died ends in minutes, and the same command goes on when it is back.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from planbench.models.server.faults import LONGEST_WAIT, Fault

FIRST_WAIT = 0.5
LONGEST_BACKOFF = 60.0
LOST_IN_A_ROW = 8
"""Requests lost, none served between them, after which the rest is not asked for."""
_SERVERS_A_ROUND = 3
_FAILURES = 2
_TIMEOUTS = 2
_POLL = 0.02


@dataclass(eq=False)
class Server:
    """`room` is how many requests it may have in flight; times are the event loop's."""

    url: str
    room: float
    in_flight: int = 0
    paused_until: float = 0.0
    failures: int = 0
    failed_at: float = 0.0
    served: int = 0
    closed: str = ""


@dataclass(eq=False)
class Fleet:
    urls: tuple[str, ...]
    concurrency: int
    retries: int
    servers: list[Server] = field(init=False)
    troubles: Counter[str] = field(default_factory=Counter[str])
    """Requests that had to be sent again, by reason."""
    lost: int = 0
    closed: str = ""
    """Why no more is asked, empty while something is."""
    _lost_in_a_row: int = 0
    _turn: int = 0

    def __post_init__(self) -> None:
        self.servers = [Server(url, float(self.concurrency)) for url in self.urls]

    async def ask(self, send: Callable[[str], Awaitable[Any]]) -> Any:
        """What `send` brings from one of the servers. Raises the last Fault of a request that is lost."""
        try:
            reply = await self._ask(send)
        except Fault as fault:
            if fault.kind != "context":
                self._count_lost(fault)
            raise
        self._lost_in_a_row = 0
        return reply

    async def _ask(self, send: Callable[[str], Awaitable[Any]]) -> Any:
        failed: set[Server] = set()
        rounds = timeouts = 0
        served_before = -1
        clock = asyncio.get_running_loop().time
        fault = Fault("closed", "no server is left")
        while True:
            if self.closed:
                raise Fault("closed", self.closed)
            able = [server for server in self.servers if not server.closed]
            if not able:
                raise fault
            fresh = [server for server in able if server not in failed]
            if not fresh or len(failed) >= _SERVERS_A_ROUND:
                rounds += 1
                if rounds > self.retries:
                    raise fault
                failed.clear()
                await asyncio.sleep(backoff(rounds))
                continue
            server = self._choose(fresh, clock())
            if server is None:
                pause = min(server.paused_until for server in fresh) - clock()
                # Chance, so that not all who wait come back in one moment.
                await asyncio.sleep(pause + random.uniform(0, 0.1 * pause) if pause > 0 else _POLL)
                continue
            started = clock()
            server.in_flight += 1
            try:
                reply = await send(server.url)
            except Fault as caught:
                fault = Fault(caught.kind, f"{server.url}: {caught.reason}", caught.wait)
                what = caught.reason.partition(":")[0].partition(" (")[0]
            else:
                self._succeeded(server)
                return reply
            finally:
                server.in_flight -= 1
            if fault.kind in ("rejected", "context"):
                raise fault
            if fault.kind == "closed":
                server.closed = fault.reason
                continue
            self.troubles[what] += 1
            if fault.kind == "limit":
                self._limited(server, fault, started, clock())
                if self.served == served_before:
                    rounds += 1
                    if rounds > self.retries:
                        raise fault
                served_before = self.served
                continue
            timeouts += fault.kind == "slow"
            if timeouts >= _TIMEOUTS:
                raise fault
            failed.add(server)
            self._failed(server, fault, started, clock())

    @property
    def served(self) -> int:
        return sum(server.served for server in self.servers)

    def _choose(self, servers: list[Server], now: float) -> Server | None:
        ready = [one for one in servers if one.paused_until <= now and one.in_flight < max(1, int(one.room))]
        if not ready:
            return None
        self._turn += 1
        count = len(self.servers)
        return min(ready, key=lambda one: (one.in_flight, (self.servers.index(one) - self._turn) % count))

    def _succeeded(self, server: Server) -> None:
        server.served += 1
        server.failures = 0
        server.room = min(float(self.concurrency), server.room + 1 / server.room)

    def _limited(self, server: Server, fault: Fault, started: float, now: float) -> None:
        if started < server.failed_at:
            return  # one of many that were on their way when the limit was first hit
        server.failed_at = now
        server.failures += 1
        server.room = max(1.0, server.room / 2)
        wait = backoff(server.failures) if fault.wait is None else min(fault.wait, LONGEST_WAIT)
        server.paused_until = max(server.paused_until, now + wait)

    def _failed(self, server: Server, fault: Fault, started: float, now: float) -> None:
        if fault.wait is not None:
            server.paused_until = max(server.paused_until, now + min(fault.wait, LONGEST_WAIT))
        if started < server.failed_at:
            return
        server.failed_at = now
        server.failures += 1
        if len(self.servers) > 1 and server.failures >= _FAILURES:
            server.room = 1.0
            server.paused_until = max(server.paused_until, now + backoff(server.failures))

    def _count_lost(self, fault: Fault) -> None:
        self.lost += 1
        # A request that is refused for what it says tells nothing of the others, unless none was ever served.
        if fault.kind != "rejected" or not self.served:
            self._lost_in_a_row += 1
        if not self.closed and (fault.kind == "closed" or self._lost_in_a_row >= LOST_IN_A_ROW):
            self.closed = fault.reason


def backoff(round_: int) -> float:
    """Seconds before try number `round_` + 1: doubled each time, between half of that and all of it by chance."""
    return min(LONGEST_BACKOFF, FIRST_WAIT * 2.0 ** min(round_ - 1, 60)) * random.uniform(0.5, 1.0)
