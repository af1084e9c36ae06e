"""`planbench eval server:...` as a whole: what is kept, what is never kept, and how a run goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from planbench.models.server import fleet
from tests.cli.conftest import Shell
from tests.models.hostile_server import Call, HostileServer

KEY = "sk-planbench/0123456789+abcdefghijklmnop"
TASKS = ["--domain", "blocksworld", "--plan-length", "2:8", "--limit", "12", "--max-tokens", "64"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "FIRST_WAIT", 0.01)


def good(call: Call) -> None:
    call.reply(
        "[PLAN]\n(unstack b2 b1)\n(put-down b2)\n[PLAN END]", reasoning_content=f"of {len(call.prompt)} characters"
    )


def samples(folder: Path) -> dict[str, dict[str, Any]]:
    """By key, less the time they took."""
    lines = (folder / "samples.jsonl").read_text().splitlines()
    found = {sample["key"]: sample for sample in map(json.loads, lines)}
    assert len(found) == len(lines)
    for sample in found.values():
        del sample["seconds"]
    return found


def test_what_a_failing_server_lost_is_asked_again(planbench: Shell, tmp_path: Path) -> None:
    with HostileServer(good) as server:
        model = f"server:{server.url}#m"
        outcome = planbench("eval", model, *TASKS, "--out", tmp_path / "undisturbed", "--json")
        assert outcome.code == 0
        assert json.loads(outcome.out)["samples"] == 12
        whole = samples(tmp_path / "undisturbed")

        run = ["eval", model, *TASKS, "--out", tmp_path / "disturbed"]
        asked = len(server.calls)
        server.behave = lambda call: good(call) if call.number < asked + 5 else call.answer(b"out of order", 500)
        outcome = planbench(*run, "--model-arg", "retries=1", "--concurrency", 2)
        assert outcome.code == 2
        errors = outcome.err.splitlines()
        assert errors[-1].startswith(
            f"error: 7 of 12 samples failed through no fault of the model ({server.url}: HTTP 500"
        )
        assert "type the same command again" in errors[-1]
        assert any("samples without a reply: 7" in line for line in errors)
        kept = samples(tmp_path / "disturbed")
        verdicts = [sample["verdict"]["kind"] for sample in kept.values()]
        assert verdicts.count("harness_error") == 7
        assert json.loads((tmp_path / "disturbed" / "summary.json").read_text())["verdicts"]["harness_error"] == 7

        asked, server.behave = len(server.calls), good
        # More patience and another pace are no other run.
        assert planbench(*run, "--model-arg", "retries=9", "--model-arg", "timeout=99").code == 0
        assert len(server.calls) - asked == 7
    assert samples(tmp_path / "disturbed") == whole
    sample = next(iter(whole.values()))
    assert sample["reply"].startswith("<think>\nof ")
    assert sample["plan"] == ["(unstack b2 b1)", "(put-down b2)"]
    assert (sample["finish"], sample["prompt_tokens"], sample["completion_tokens"]) == ("stop", 7, 3)


def test_the_key_is_written_nowhere(planbench: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server knows the key, and says it back in every way it can."""
    monkeypatch.setenv("PLANBENCH_API_KEY", KEY)
    escaped = "".join(f"\\u{ord(char):04x}" for char in KEY)
    near_the_cut = "x" * 280

    def behave(call: Call) -> None:
        assert call.headers["authorization"] == f"Bearer {KEY}"
        number = call.number % 12
        if number == 0:
            call.answer({"error": {"message": f"the key {KEY} is wrong"}}, 400)
        elif number == 1:
            call.answer(f'{{"error": {{"message": "{near_the_cut}{escaped}"}}}}'.encode(), 400)
        elif number == 2:
            call.answer(f"<html><title>{KEY}</title>".encode(), 500, "text/html")
        elif number == 3:
            call.raw(f"HTTP/1.1 {KEY} no\r\n\r\n".encode())
            call.hang_up()
        elif number == 4:
            call.answer(f"{near_the_cut}{KEY}".encode(), 418, "text/plain")
        elif number == 5:
            call.body["model"] = f"m-{KEY}"
            call.reply("no plan", KEY)
        elif number == 6:
            call.answer(f'{{"choices": [{{"message": {{"content": "{escaped}"}}}}]}}'.encode())
        elif number == 7:
            call.answer({"choices": [], "error": {"message": KEY}})
        elif number == 8:
            call.raw(f"HTTP/1.1 200 OK\r\n{KEY}: \r\nno header {KEY}\r\n\r\n".encode())
            call.hang_up()
        elif number == 9:
            call.answer(b"", 302, headers={"Location": f"http://evil.example/?{KEY}"})
        else:
            call.reply(f"[PLAN]\n({KEY})\n[PLAN END]", reasoning=KEY)

    entry = {"id": "m", "root": KEY, "owned_by": KEY, "max_model_len": 9}
    for retries in ("0", "3"):
        with HostileServer(behave, models=[entry, f"other-{KEY}"]) as server:
            run = ["eval", f"server:{server.url}#m", *TASKS, "--out", tmp_path / retries, "--concurrency", "1"]
            outcome = planbench(*run, "--model-arg", f"retries={retries}")
            said = outcome.out + outcome.err + planbench("eval", f"server:{server.url}", *TASKS).err
            said += "".join(path.read_text() for path in (tmp_path / retries).rglob("*") if path.is_file())
            assert len(server.calls) >= 10
        assert "[key]" in said
        assert not any(part in said for part in (KEY, escaped, KEY[:12], KEY[-12:], KEY.replace("/", "\\/")))


def test_ctrl_c_ends_at_once_and_keeps_what_there_is(tmp_path: Path) -> None:
    def behave(call: Call) -> None:
        good(call) if call.number < 4 else call.until_gone(300)

    with HostileServer(behave) as server:
        run = [
            sys.executable,
            "-m",
            "planbench",
            "eval",
            f"server:{server.url}#m",
            *TASKS,
            "--out",
            str(tmp_path / "run"),
        ]
        process = subprocess.Popen(
            run,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PLANBENCH_API_KEY": KEY},
            # Where the tests run in the background of a shell, the signal is ignored, and that would be inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        path = tmp_path / "run" / "samples.jsonl"
        deadline = time.monotonic() + 60
        while (not path.exists() or path.read_text().count("\n") < 4) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)  # the server would have kept it for five minutes
        assert process.returncode == 130, err
        assert err.strip() == "error: interrupted"
        assert out == ""
        assert len(samples(tmp_path / "run")) == 4
        assert KEY not in path.read_text() + (tmp_path / "run" / "run.json").read_text()


def test_prompt_shows_what_would_be_sent(planbench: Shell) -> None:
    with HostileServer(good) as server:
        outcome = planbench("prompt", "blocksworld", "--model", f"server:{server.url}#m")
        body = json.loads(outcome.out)
        as_json = json.loads(planbench("prompt", "blocksworld", "--model", f"server:{server.url}#m", "--json").out)
    assert as_json == {"style": "pddl", "hash": as_json["hash"], "text": outcome.out.rstrip("\n")}
    assert body.keys() == {"model", "messages"}
    assert body["model"] == "m"
    assert body["messages"][0]["content"].startswith("Solve a planning task")
