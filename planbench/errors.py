"""What can go wrong, as one tree.

    PlanbenchError                  one line for the person; the command line exits with 2
    ├── InputError                  what was given cannot be used (missing, unknown, unreadable, unwritable)
    │   ├── PddlError               a PDDL file: where (file, line, column) and what
    │   │   └── UnsupportedPddl     correct PDDL that the judge does not cover, by name
    │   ├── CheckpointError         a model that cannot be loaded, and why
    │   └── RunFolderError          a run folder that is not what the command needs
    ├── MissingPackage              something optional is not installed, with the command that installs it
    └── ProcessLost                 one of several processes of a run is gone

Every message is one line that says what happened, where, and what to type next.
A fault in a *model's reply* is never an exception: it is a verdict (`planbench.core.verdict`).
"""

from __future__ import annotations


class PlanbenchError(Exception):
    """The root: `str(error)` is one line meant for the person at the terminal."""

    exit_code = 2


class InputError(PlanbenchError):
    """What the user gave cannot be used."""


class PddlError(InputError):
    """A PDDL text that cannot be read.

    `line` and `column` count from 1 and are None where the fault has no single place.
    """

    def __init__(self, what: str, source: str, line: int | None = None, column: int | None = None) -> None:
        self.what, self.source, self.line, self.column = what, source, line, column
        place = ":".join(str(part) for part in (source, line, column) if part is not None)
        super().__init__(f"{place}: {what}")


class UnsupportedPddl(PddlError):
    """Correct PDDL that planbench does not judge (temporal actions, preferences, ...)."""


class CheckpointError(InputError):
    """A model that cannot be loaded."""


class RunFolderError(InputError):
    """A run folder that does not hold what the command needs."""


class MissingPackage(PlanbenchError):
    """An optional package is not installed; the message carries the command that installs it."""


class ProcessLost(PlanbenchError):
    """One of several processes that share a run is gone."""
