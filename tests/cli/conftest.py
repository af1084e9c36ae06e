from __future__ import annotations

import pytest

from planbench.cli import main


class Outcome:
    """What a command left behind: its exit code and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


class Shell:
    """Runs `planbench` in this process."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *argv: object) -> Outcome:
        self._capture.readouterr()
        code = main([str(arg) for arg in argv])
        printed = self._capture.readouterr()
        return Outcome(code, printed.out, printed.err)

    def refused(self, *argv: object) -> str:
        """Run a command that must end as bad input does, and return its one line."""
        outcome = self(*argv)
        assert outcome.code == 2, outcome.err
        assert outcome.out == ""
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1
        assert outcome.err.endswith("\n")
        return outcome.err.removeprefix("error: ").rstrip("\n")


@pytest.fixture
def planbench(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)
