"""planbench measures how well language models plan, and grows that skill."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

__all__ = ["PlanTaskset"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    """`PlanTaskset`, where `verifiers` looks for it: the id of an environment is a package, which names its class."""
    if name in __all__:
        return getattr(import_module("planbench.environment"), name)
    raise AttributeError(f"module 'planbench' has no attribute {name!r}")
