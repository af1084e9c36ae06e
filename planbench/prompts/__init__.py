"""Prompt styles, reading the plan out of a reply, renaming.

wording    a domain in English: the [english] table of its domain.toml, filled up from names
styles     a task as messages, and the reader of each style's replies
extract    the one plan that a reply gives, by a stated rule
blocks     the outer shape of a reply: reasoning, plan markers, fences
lines      one line: a step, something meant as one, a heading, prose
phrases    steps written as words
listed     plans given as JSON
lexicon    the words that a reply may use for a task
rename     the same task in words that mean nothing, or that mislead
words      where new names come from
ordinary   the words that do
"""
