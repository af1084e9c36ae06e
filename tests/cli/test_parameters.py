from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planbench.cli.parameters import KeyValue, Range

WHOLE = st.integers(1, 10**9 - 1)


@given(WHOLE, WHOLE)
def test_range_reads_what_it_means(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert Range().convert(f"{low}:{high}", None, None) == (low, high)
    assert Range().convert(str(low), None, None) == (low, low)


@pytest.mark.parametrize(
    "text", ["", ":", "8:", ":8", "8:4", "0:4", "-1:4", "1:2:3", "a:b", "1.5:2", "1_0:20", "²:³", "9" * 5000, "8-16"]
)
def test_range_refuses(text: str) -> None:
    with pytest.raises(click.BadParameter):
        Range().convert(text, None, None)


@given(st.text())
def test_range_never_fails_otherwise(text: str) -> None:
    try:
        low, high = Range(minimum=0).convert(text, None, None)
    except click.BadParameter:
        return
    assert 0 <= low <= high


@given(st.text(st.characters(exclude_characters="="), min_size=1).filter(str.strip), st.text())
def test_pair_keeps_the_value_as_it_is(key: str, value: str) -> None:
    assert KeyValue().convert(f"{key}={value}", None, None) == (key.strip(), value)


@pytest.mark.parametrize("text", ["", "dtype", "=bfloat16", "  =1"])
def test_pair_refuses(text: str) -> None:
    with pytest.raises(click.BadParameter):
        KeyValue().convert(text, None, None)
