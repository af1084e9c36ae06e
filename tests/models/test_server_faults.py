"""What is read out of headers, errors and answers that a server made up."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planbench.models.server.address import Key
from planbench.models.server.faults import Fault, fault_of, wait_of
from planbench.models.server.fleet import LONGEST_BACKOFF, backoff
from planbench.models.server.protocol import Answer, read_answer

NOW = time.time()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        # By the server's clock, which may be years off ours (RFC 9110, 10.2.3).
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT", "date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0),
        ({"retry-after": formatdate(NOW + 600, usegmt=True)}, 600),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        # The spans that OpenAI's documentation of rate limits gives as examples.
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}, 1),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "120ms"}, 0.12),
        # A budget with something left is not the one that was hit.
        (
            {
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "50s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "2s",
            },
            2,
        ),
        ({"x-ratelimit-reset": "7"}, 7),
        ({"x-ratelimit-reset": str(int(NOW) + 60)}, 60),
        ({"x-ratelimit-reset": str(int(NOW * 1000) + 60_000)}, 60),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "nan"}, None),
        ({"x-ratelimit-reset": "1s tomorrow"}, None),
        ({"retry-after": "Fri, 99 Dec 99999 23:59:59 GMT"}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_of(headers) == (None if seconds is None else pytest.approx(seconds, abs=30 if seconds > 50 else 1e-6))


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "x-ratelimit-reset", "retry-after-ms"]), st.text()))
def test_a_wait_is_a_number_or_none(headers: dict[str, str]) -> None:
    wait = wait_of(headers)
    assert wait is None or 0 <= wait < 1e16


def test_backoff_doubles_and_is_bounded() -> None:
    for round_ in range(1, 2000, 7):
        most = min(LONGEST_BACKOFF, 0.5 * 2 ** min(round_ - 1, 60))
        waits = [backoff(round_) for _ in range(20)]
        assert most / 2 <= min(waits) < max(waits) <= most


JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "text", "thinking", "usage", "finish_reason", "error"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def _answer_or_fault(data: Any, api: Any) -> Answer | Fault:
    try:
        return read_answer(data, api, 16)
    except Fault as fault:
        return fault


@given(JSON, JSON, st.sampled_from(["chat", "completions"]))
def test_any_json_is_an_answer_or_a_fault(whole: Any, inner: Any, api: Any) -> None:
    choice = {"message": inner, "text": inner, "finish_reason": whole}
    for data in (
        whole,
        {"choices": inner},
        {"choices": [inner], "usage": whole},
        {"choices": [choice], "usage": inner},
    ):
        found = _answer_or_fault(data, api)
        if isinstance(found, Fault):
            assert found.reason.isprintable()
        else:
            assert found.text == found.text.encode().decode()  # no half of a surrogate pair
            assert found.finish in ("stop", "length")


@given(st.integers(100, 599), st.text() | JSON.map(str))
def test_any_error_is_one_line(status: int, body: str) -> None:
    fault = fault_of(status, {}, body)
    assert fault.reason.isprintable()
    assert len(fault.reason) < 500


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40), JSON)
def test_a_key_is_taken_out_however_it_stands(secret: str, value: Any) -> None:
    key = Key(secret)
    hidden = key.hide_in({"a": f"before {secret} after", "b": value, secret: [secret]})
    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in json.dumps(hidden, ensure_ascii=False)
    assert secret not in repr(key) + repr(vars(key).keys())
