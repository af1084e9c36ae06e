"""What an entry holds, and nothing that its run cannot support.

    <id>.json                 what was run, and what it comes to
    <id>.samples.jsonl.gz     a line a sample: the task, the plan, the verdict on it, tokens and seconds

The tasks are not in it: they are made again from the name of the task set, and whatever a sample says of its task (its
domain, its reference plan) is looked up there. `results` is what `planbench.metrics` makes of the samples. Replies are
not kept, so that a verdict `no_plan` is the word of whoever sends the entry, as is the name of the model; every plan is
judged again.

There is one way to write an entry: its bytes follow from what it says. `checksum` is over all of it, so that a bit that
fell over is noticed wherever it is; it keeps nobody from writing another, which is what verification is for.
"""

from __future__ import annotations

import json
import re
from datetime import date
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from planbench.core.verdict import VerdictKind
from planbench.records.summary import Summary

ENTRY_SCHEMA = 1

MAX_TASKS = 100_000
MAX_SAMPLES = 500_000
"""Over a thousand of each task of the standard set."""
MAX_COUNT = 10**12
"""Above every count of tokens or seconds that a run has."""

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Kept, as `json.dumps` makes a new encoder at every call."""

_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")


def plain(text: str) -> str:
    """A text that can be shown anywhere: one line, printable, no markup. Raises ValueError."""
    if not text.isprintable():
        raise ValueError("has characters that cannot be printed")
    if set(text) & set("<>`"):
        raise ValueError("has markup in it: < > ` are not allowed")
    return text


def check_id(text: str) -> str:
    """An id is a file name everywhere and a place in a page. Raises ValueError."""
    if len(text) > 120 or not _ID.fullmatch(text):
        raise ValueError("is no id: small letters, digits, single dots and hyphens")
    return text


_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""They count as printable, and show nothing."""


def _name(text: str) -> str:
    """A text by which a row is known. Raises ValueError where it does not look like what it is."""
    if text != text.strip() or set(text) & _BLANKS:
        raise ValueError("has blanks at an end, or characters that show nothing")
    # Two are as many as any script puts on a letter.
    if re.search("^m|mmm", "".join("m" if category(one).startswith("M") else "." for one in text)):
        raise ValueError("has marks that are on no letter, or more than two on one")
    return text


def _some(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _link(text: str) -> str:
    if text and not re.fullmatch(r"https?://[\w.-]+(?::\d+)?(?:/[\w./~%#?&=+:@,;!()*-]*)?", plain(text), re.ASCII):
        raise ValueError("is no http or https address")
    return text


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Line = Annotated[str, Field(max_length=200), AfterValidator(plain)]
Name = Annotated[Line, AfterValidator(_name)]
Id = Annotated[str, AfterValidator(check_id)]
Link = Annotated[str, Field(max_length=300), AfterValidator(_link)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Amount = Annotated[float, Field(ge=0, le=MAX_COUNT, allow_inf_nan=False)]


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class Card(_Frozen):
    """What the run cannot know, said by whoever sends the entry; empty or None where nothing was said."""

    title: Name = ""
    parameters: Annotated[int, Field(ge=0, le=10**15)] | None = None
    licence: Line = ""
    link: Link = ""
    contact: Line = ""
    note: Line = ""


class Measured(_Frozen):
    """The model as the run knew it. `described` is what its engine says of it: its kind, limits, data types."""

    name: Annotated[Name, AfterValidator(_some)]
    fingerprint: Line
    kind: Line
    described: dict[Line, Line | int | float | bool | None] = Field(max_length=40)


class Settings(_Frozen):
    """How it was asked."""

    prompt: Line
    shots: Annotated[int, Field(ge=0, le=1000)]
    rename: Literal["none", "random", "mystery", "per-task"]
    temperature: Amount
    top_p: Amount
    max_tokens: Annotated[int, Field(ge=1, le=MAX_COUNT)]
    samples: Annotated[int, Field(ge=1, le=10_000)]
    seed: Count
    model_args: dict[Line, Line] = Field(max_length=40)
    max_thinking_tokens: Count | None = None


class Tasks(_Frozen):
    """The named set. `hash` is that of its tasks as they were asked: the set's own, unless they were renamed."""

    set: Id
    tasks: Annotated[int, Field(ge=1, le=MAX_TASKS)]
    hash: Hex


class SamplesFile(_Frozen):
    """The file of samples: how many lines and bytes it unpacks to, and the SHA-256 of the packed file."""

    count: Annotated[int, Field(ge=1, le=MAX_SAMPLES)]
    bytes: Annotated[int, Field(ge=1, le=2**32)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Entry(_Frozen):
    """`<id>.json`. `date` is the day on which the run was started; `versions` and `machine` are what it ran on."""

    schema_version: Literal[1] = Field(default=ENTRY_SCHEMA, alias="schema")
    id: Id
    planbench: Line
    date: Day
    card: Card
    model: Measured
    settings: Settings
    tasks: Tasks
    versions: dict[Line, Line] = Field(max_length=40)
    machine: dict[Line, Line | int] = Field(max_length=20)
    samples: SamplesFile
    results: Summary
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = ""

    @property
    def title(self) -> str:
        return self.card.title or self.model.name

    @property
    def board(self) -> str:
        """What it is ranked within: the same tasks in the same words."""
        rename = self.settings.rename
        return self.tasks.set if rename == "none" else f"{self.tasks.set}-{rename}"

    def text(self) -> str:
        """The file."""
        return entry_text(self.model_dump(mode="json"))

    def sealed(self) -> Entry:
        """The same with its checksum."""
        return self.model_copy(update={"checksum": checksum(self.model_dump(mode="json"))})


class StoredSample(_Frozen):
    """A line of the samples. `step` is the first failing one, from 1; `plan` holds steps as PDDL text, None where
    nothing in the reply read as a plan."""

    task: Annotated[str, Field(max_length=200)]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    index: Annotated[int, Field(ge=0, lt=10_000)]
    verdict: VerdictKind
    step: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None
    finish: Literal["stop", "length", "error"]
    prompt_tokens: Count | None
    completion_tokens: Count | None
    seconds: Amount
    plan: list[Annotated[str, Field(max_length=10_000)]] | None

    def line(self) -> bytes:
        # Written by Python, whose way with numbers does not change between versions.
        return _compact(self.__dict__).encode() + b"\n"


def id_stem(model: Measured, settings: Settings, tasks: str) -> str:
    """What an entry's id begins with, so that it says whose it is; eight hexadecimal digits are its end."""
    words = (model.name, settings.prompt, f"{settings.shots}-shot" if settings.shots else "", tasks)
    return "-".join(filter(None, map(_slug, words)))


def _slug(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40].strip("-")


def without_folder(name: str) -> str:
    """A model's name, or another setting, without the folder of somebody's machine: `hf:/home/me/mine` is `hf:mine`."""
    roots = ("/", "~", ".")
    kind, colon, rest = ("", "", name) if name.startswith(roots) else name.partition(":")
    if kind == "replay" or rest.startswith(roots):
        return f"{kind}{colon}{Path(rest).name or rest}"
    return name


def entry_text(document: dict[str, Any]) -> str:
    """The one way to write an entry. Of the document, not of the record: a summary that has more to say in a later
    version does not change what an older entry said."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def checksum(document: dict[str, Any]) -> str:
    return blake2b(entry_text({**document, "checksum": ""}).encode(), digest_size=16).hexdigest()


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()
