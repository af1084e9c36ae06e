"""What a request to a server costs us; the openai package asks for the same beside it.

Run with `pytest tests/bench/test_servers.py -s`: CPU milliseconds a request are printed, and their ratio. The server
answers after a tenth of a second, as many at once as ask. No test here fails on time.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.models import load
from planbench.records import Message, Prompt, Request, SamplingSettings
from tests.models.checkpoints import walk

REQUESTS = 512
TEXT = "x" * 3000
REPLY = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "(pick-up b1)\n" * 20}}
    ],
    "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await _head(reader):
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        if head.startswith(b"POST"):
            await asyncio.sleep(0.1)
        body = json.dumps(REPLY if head.startswith(b"POST") else {"data": [{"id": "m"}]}).encode()
        start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(start.encode() + body)
    writer.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _serve(listener: socket.socket) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(_answer, sock=listener)
        await server.serve_forever()

    asyncio.run(serve())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(listener,), daemon=True)
    process.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    process.terminate()
    process.join()


def ours(url: str, concurrency: int, count: int) -> int:
    task = walk(3)
    requests = [
        Request(str(number), Prompt("test", (Message("user", f"{TEXT}{number}"),)), task, "0" * 16, 0, 0)
        for number in range(count)
    ]
    replies = load(f"server:{url}", concurrency=concurrency).replies(requests, (), SamplingSettings())
    return sum(reply.completion_tokens or 0 for _, reply in replies)


def theirs(url: str, concurrency: int, count: int) -> int:
    from openai import AsyncOpenAI

    async def ask() -> int:
        permits = asyncio.Semaphore(concurrency)

        async def one(number: int) -> int:
            async with permits:
                reply = await client.chat.completions.create(
                    model="m",
                    messages=[{"role": "user", "content": f"{TEXT}{number}"}],
                    temperature=0,
                    top_p=1,
                    max_tokens=512,
                    seed=0,
                )
            assert reply.usage is not None
            return reply.usage.completion_tokens

        async with AsyncOpenAI(base_url=url, api_key="none") as client:
            return sum(await asyncio.gather(*(one(number) for number in range(count))))

    return asyncio.run(ask())


@pytest.mark.benchmark(group="requests to a server")
@pytest.mark.parametrize("concurrency", [16, 128])
def test_requests(benchmark: BenchmarkFixture, url: str, concurrency: int) -> None:
    def timed(ask: Callable[[str, int, int], int]) -> float:
        started = time.process_time()
        assert ask(url, concurrency, count) == 100 * count
        return time.process_time() - started

    count = REQUESTS
    benchmark.pedantic(ours, (url, concurrency, count), rounds=1)
    if benchmark.stats is None:  # --benchmark-disable: it ran once, untimed
        return
    theirs(url, 1, 1)  # what is imported and made once
    pairs = [(timed(ours), timed(theirs)) for _ in range(2)]
    here, there = (1000 * min(column) / count for column in zip(*pairs, strict=True))
    benchmark.extra_info |= {"cpu_ms_a_request": round(here, 2), "openai_cpu_ms_a_request": round(there, 2)}
    print(
        f"\n{concurrency} in flight: {here:.2f} ms of CPU a request, the openai package {there:.2f}, "
        f"ratio {there / here:.1f}"
    )
