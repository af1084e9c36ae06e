"""Several processes that do one run together: who they are, how they are started, where they meet.

Each runs the same command. Process 0 leads: it alone writes the files of the run, while the others draw their shares of
the samples and compute theirs of each training step. They are started by torchrun or `accelerate launch`, on one
machine or several that share a file system, or by `--processes N`, on this machine.

A process that is lost is noticed where the others meet. The run ends there, with what was drawn kept; the others of
`--processes` end with the process that started them, however that one ends.

Not covered: going on without the lost one.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from planbench.errors import InputError, ProcessLost

_STARTED = "PLANBENCH_STARTED_BY_PROCESSES"
"""Set for the processes that `--processes` starts: they end when their standard input does."""

_PATIENCE = timedelta(days=30)
"""A share may take as long as it takes; a process that is lost is noticed by its connection, not by the clock."""

_GRACE = 20.0
"""Seconds that the others may take to notice that there is nothing left to do."""


@dataclass(eq=False)
class Crew:
    """This process among those that share a run. One alone leads, and meets nobody."""

    rank: int = 0
    size: int = 1
    others: Sequence[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    _group: Any = None

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def meet(self) -> None:
        """Wait for all others. Raises ProcessLost where one of them is gone."""
        if self.size == 1:
            return
        import torch.distributed as distributed

        try:
            distributed.barrier(group=self._group)
        except RuntimeError:
            raise ProcessLost(self._lost()) from None

    def first(self, do: Callable[[], object]) -> None:
        """Process 0 does it, the others wait until it is done."""
        if self.leads:
            do()
        self.meet()

    def _lost(self) -> str:
        ends = {rank: other.poll() for rank, other in enumerate(self.others, 1)}
        gone = [f"process {rank} ({_ending(code)})" for rank, code in ends.items() if code is not None]
        return (
            f"{' and '.join(gone) or 'one'} of {self.size} processes was lost; its samples so far are kept: "
            "the same command goes on from there"
        )


ALONE = Crew()


@contextmanager
def crew(processes: int | None) -> Generator[Crew]:
    """The processes of this run: those that a launcher started, or as many as asked for.

    Raises InputError where a launcher started another number of them, or left out what they have to know.
    """
    rank, size = _told("RANK", 0), _told("WORLD_SIZE", 1)
    if size > 1 and processes is not None and processes != size:
        raise InputError(f"--processes {processes}: the launcher started {size}; leave --processes out, or say {size}")
    if size > 1:
        if os.environ.get(_STARTED):
            _say_ready()
            _end_with_standard_input()
        with _joined(Crew(rank, size)) as joined:
            yield joined
    elif processes is None or processes == 1:
        yield Crew()
    else:
        with _started(processes) as (others, environment):
            os.environ.update(environment)
            with _joined(Crew(0, processes, others)) as joined:
                yield joined


def leads() -> bool:
    """Whether this process is the one that speaks."""
    return (os.environ.get("RANK") or "0") == "0"


def _told(name: str, otherwise: int) -> int:
    """A number that a launcher leaves in the environment."""
    text = os.environ.get(name) or str(otherwise)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(f"{name}={text}: no number that a launcher sets; unset {name}")
    return int(text)


@contextmanager
def _started(processes: int) -> Generator[tuple[list[subprocess.Popen[bytes]], dict[str, str]]]:
    """This command again, in as many processes as it takes; with what this one has to know of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    shared |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes)}
    command = [sys.executable, "-m", "planbench", *sys.argv[1:]]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    others: list[subprocess.Popen[bytes]] = []
    try:
        for rank in range(1, processes):
            own = _ranked(rank) | {_STARTED: "1"}
            # A share of the threads each, as torchrun does: more of them than cores only wait for each other.
            own |= {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"), "PYTHONPATH": path}
            others.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, **shared, **own},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
        for rank, other in enumerate(others, 1):
            # To wait for the connection of one that is gone already would take until the connection's own limit.
            if not _is_ready(other):
                raise ProcessLost(f"process {rank} of {processes} did not start ({_ending(other.wait())})")
        yield others, {**shared, **_ranked(0)}
    finally:
        for other in others:
            assert other.stdin is not None
            with suppress(OSError):
                other.stdin.close()
        for other in others:
            with suppress(subprocess.TimeoutExpired):
                other.wait(_GRACE)
            other.kill()
            other.wait()
        for name in (*shared, *_ranked(0)):
            os.environ.pop(name, None)


def _ranked(rank: int) -> dict[str, str]:
    return {"RANK": str(rank), "LOCAL_RANK": str(rank)}


@contextmanager
def _joined(one: Crew) -> Generator[Crew]:
    """Connected with the others."""
    import torch
    import torch.distributed as distributed

    with_gpus = torch.cuda.is_available()
    try:
        if with_gpus:
            torch.cuda.set_device(_told("LOCAL_RANK", 0) % torch.cuda.device_count())
        distributed.init_process_group("cpu:gloo,cuda:nccl" if with_gpus else "gloo")
        # Meetings take place on the processor: one of a GPU would keep it busy while it waits.
        one._group = distributed.new_group(backend="gloo", timeout=_PATIENCE)  # pyright: ignore[reportPrivateUsage]
    except RuntimeError as error:
        raise ProcessLost(f"{one.size} processes cannot be connected: {str(error).splitlines()[0]}") from None
    except ValueError as error:  # a variable of the launcher's that is missing
        raise InputError(
            f"WORLD_SIZE={one.size}: {str(error).splitlines()[0]}; "
            "start with torchrun or --processes, or unset WORLD_SIZE"
        ) from None
    try:
        yield one
    finally:
        with suppress(RuntimeError):
            distributed.destroy_process_group()


def _say_ready() -> None:
    os.write(1, b".")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _is_ready(other: subprocess.Popen[bytes]) -> bool:
    assert other.stdout is not None
    with other.stdout:
        return bool(other.stdout.read(1))


def _end_with_standard_input() -> None:
    """Whoever started this process holds the other end: when it dies, of whatever, there is nothing left to do."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _ending(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
