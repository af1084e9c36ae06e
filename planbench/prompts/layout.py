"""How the compact style lays a domain's tasks out: the `[compact]` table of its domain.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

GOAL = "goal:"


@dataclass(frozen=True, slots=True)
class Layout:
    """Predicates of a domain.

    `omit` are left out. By `nest` an object stands after the one that its fact names second: a package after its place,
    so that what is near in the world is near in the text. With `goal:` before it, a predicate of `nest` is that of what
    is wanted: a block after the block it has to lie on, so that a plan builds along the text. `recall` are said again
    of an object wherever a goal names it.
    """

    omit: tuple[str, ...] = ()
    nest: tuple[str, ...] = ()
    recall: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Layout:
        """From the table `[compact]`, which `planbench.prompts.wording` has checked."""
        return cls(**{name: tuple(predicates) for name, predicates in table.items()})


KEYS = tuple(field.name for field in fields(Layout))

PLAIN = Layout()
