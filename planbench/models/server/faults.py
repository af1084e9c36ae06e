"""What can go wrong with a request, and how long a server asks us to wait.

trouble     may pass: no connection, a cut one, 5xx, an answer that is none     again, after a while
slow        no answer in time                                                   once again
limit       too many requests or tokens                                         again, when the server says
rejected    this request is refused (400, 413, 422)                             never again
context     prompt and reply do not fit the model's context                     with less to say, if at all
closed      no request will be served (401, 403, 404, a redirect)               this server no more
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

Kind = Literal["trouble", "slow", "limit", "rejected", "context", "closed"]

LONGEST_WAIT = 300.0
"""Seconds that we wait because a server says so; one that asks for more is left for another day."""

_SAID = 300
"""Characters kept of what a server says."""
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|window|size)|maximum context|max_model_len|exceed_context|context_length_exceeded"
    r"|maximum model length|longer than the model|max_(?:completion_)?tokens'?\"?`?.{0,40} too large.{0,80}context",
    re.IGNORECASE,
)
_CLOSED = {
    401: "the server wants a key, or another one; set PLANBENCH_API_KEY",
    402: "the account has no credit left",
    403: "the server does not let us in; check PLANBENCH_API_KEY",
    404: "there is no such model, or no such address",
    405: "this address takes no such request",
    410: "what was here is gone",
}
_LIMITS = (429, 529)
_REJECTED = (400, 406, 411, 413, 414, 415, 422, 431)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class Fault(Exception):
    """A request that brought no reply. `wait` is what the server asks for, in seconds."""

    def __init__(self, kind: Kind, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.kind: Kind = kind
        self.reason, self.wait = reason, wait


def fault_of(status: int, headers: Mapping[str, str], body: str) -> Fault:
    """The fault that an answer other than 200 is. `headers` must not mind the case of names."""
    said = what_it_says(headers.get("content-type", ""), body)
    reason = f"HTTP {status}" + (f": {said}" if said else "")
    if status in _LIMITS or status == 503:
        wait = wait_of(headers)
        if wait is not None and wait > LONGEST_WAIT:
            return Fault("closed", f"{reason} (the server asks to wait {wait:.0f} s; try again then)")
        return Fault("limit" if status in _LIMITS else "trouble", reason, wait)
    if status in _CLOSED:
        # Some say of a single prompt that is too long that it is not found.
        return Fault("context" if _CONTEXT.search(said) else "closed", f"{reason} ({_CLOSED[status]})")
    if 300 <= status < 400:
        return Fault("closed", f"HTTP {status}: the server sends us elsewhere; name the URL that it stands at")
    # 500 too: some servers fail in their own way at what another refuses.
    if _CONTEXT.search(said):
        return Fault("context", reason)
    return Fault("rejected" if status in _REJECTED else "trouble", reason)


def what_it_says(content_type: str, text: str) -> str:
    """The message of an error, as part of one line; empty where there is none to be read."""
    if "html" in content_type.lower() or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        title = re.search(r"<title[^>]{0,100}>([^<]{1,200})", text[:20_000], re.IGNORECASE)
        return "an HTML page" + (f" ({_one_line(title[1])})" if title else "")
    try:
        return message_of(json.loads(text))
    except (ValueError, RecursionError):
        return _one_line(text)


def message_of(value: Any) -> str:
    """As part of one line: `{"error": {"message": ...}}`, `{"error": ...}`, `{"message": ...}`, `{"detail": ...}`, or
    all of it."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        value = next((value[key] for key in ("error", "message", "detail") if value.get(key)), value)
    return _one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _one_line(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * _SAID]).split())
    return line if len(line) <= _SAID else f"{line[: _SAID - 3]}..."


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks us to wait, None where it does not say.

    `Retry-After` in seconds or as a date (RFC 9110, 10.2.3; by the server's own clock, if it tells it),
    `retry-after-ms`, and else the `x-ratelimit-reset` headers: of the budgets used up, the last to be refilled.
    """
    if (wait := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return wait / 1000
    after = headers.get("retry-after", "").strip()
    if (wait := _seconds(after)) is not None:
        return wait
    if after and (then := _date(after)) is not None:
        now = _date(headers.get("date", ""))
        return max(0.0, then - (time.time() if now is None else now))
    waits: list[float] = []
    for name in ("", "-requests", "-tokens"):
        left = _seconds(headers.get(f"x-ratelimit-remaining{name}", ""))
        reset = _reset(headers.get(f"x-ratelimit-reset{name}", ""))
        if reset is not None and not left:
            waits.append(reset)
    return max(waits, default=None)


def _reset(text: str) -> float | None:
    """A span (`6m0s`, `250ms`, `12`) or a moment, in seconds or milliseconds since 1970."""
    text = text.strip()
    number = _seconds(text)
    if number is not None:
        if number > 1e11:
            number /= 1000
        return max(0.0, number - time.time()) if number > 1e9 else number
    parts = _DURATION.findall(text[:60])
    if not parts or "".join(value + unit for value, unit in parts) != text:
        return None
    return sum(float(value) * _UNITS[unit] for value, unit in parts)


def _seconds(text: str) -> float | None:
    text = text.strip()
    return float(text) if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{0,9})?", text) else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text[:60]).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
