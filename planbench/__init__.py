"""planbench measures how well language models plan, and grows that skill."""

__version__ = "0.1.0"
