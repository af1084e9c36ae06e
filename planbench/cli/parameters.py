"""Kinds of values that options take: ranges, numbers and `key=value` pairs."""

from __future__ import annotations

import math
from typing import Any

import click


class Range(click.ParamType):
    """`A:B`, both included, or `N` for `N:N`; a `(low, high)` tuple of whole numbers, `minimum` at least."""

    name = "range"

    def __init__(self, minimum: int = 1) -> None:
        self.minimum = minimum

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        low, colon, high = str(value).partition(":")
        try:
            bounds = _whole(low), _whole(high if colon else low)
        except ValueError:
            self.fail(f"{value!r} is not a range: write two whole numbers as in 8:16, or one.", param, ctx)
        if bounds[0] < self.minimum:
            self.fail(f"{value!r} starts below {self.minimum}.", param, ctx)
        if bounds[0] > bounds[1]:
            self.fail(f"{value!r} is empty: the first number must not be above the second.", param, ctx)
        return bounds


class Number(click.FloatRange):
    """A number within bounds, which `nan` lies in for click."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


class KeyValue(click.ParamType):
    """`key=value`; a tuple of the two texts. The value may be empty and may hold further equals signs."""

    name = "key=value"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "KEY=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = str(value).partition("=")
        if not equals or not key.strip():
            self.fail(f"{value!r} is not a pair: write it as in dtype=bfloat16.", param, ctx)
        return key.strip(), text


def _whole(text: str) -> int:
    """`int`, less what nobody means: signs, underscores, numbers too long to be one."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ValueError(text)
    return int(text)
