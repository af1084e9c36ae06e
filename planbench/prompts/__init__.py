"""Prompt styles, reading the plan out of a reply, renaming."""
