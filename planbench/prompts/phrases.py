"""Reads steps written as words: `pick-up a`, "Pick up block a", "drive truck t1 from p1 to p2, then ...".

A step begins with a verb of the lexicon, after a few words that carry nothing ("then we", "the robot should") or after
arguments with prepositions ("from p1, move to p2"), and takes the names that follow. Prepositions assign names to
parameters where the wording says which is which; bare names keep their order. What follows a complete step is read
on only where a sign or a word joins it to another step.

One pass over the words with bounded look-ahead, so the time is linear in the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planbench.core.verdict import Step
from planbench.prompts.lexicon import ARTICLES, LEAD_IN, PREPOSITIONS, Lexicon, Pattern

_STRONG = frozenset("→;.!")
_WEAK = frozenset({",", ":", "then", "and", "-", "\N{EN DASH}", "before", "finally"})
_LOOK_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Phrase:
    """A step read from words; `complete` where each parameter has a known object."""

    step: Step
    complete: bool


@dataclass(frozen=True, slots=True)
class _Mention:
    name: str
    known: bool
    label: str
    end: int
    """Position after it in the words."""


def read_phrases(words: Sequence[str], lexicon: Lexicon) -> list[Phrase]:
    """The steps of one line, in order. A step after a comma or "and" counts only if it is complete, one after an
    arrow, semicolon or full stop also if it is not; the first of the line likewise."""
    found: list[Phrase] = []
    position, strong, weak, last = 0, True, False, ""
    while position < len(words):
        if strong or weak:
            reading = _step_at(words, position, lexicon, last)
            if reading is not None and (strong or reading[0].complete):
                phrase, position, last = reading
                found.append(phrase)
                strong = weak = False
                continue
        word = words[position]
        if word in _STRONG:
            strong = True
        elif word in _WEAK:
            weak = True
        else:
            strong = weak = False
        position += 1
    return found


def _step_at(words: Sequence[str], start: int, lexicon: Lexicon, last: str) -> tuple[Phrase, int, str] | None:
    """The step that begins at `start`, the position after it, and the object that "it" will stand for."""
    opening = _verb(words, start, lexicon)
    if opening is None:
        return None
    before, patterns, position, particle = opening
    named_after, adjacent = _mentions(words, position, particle, patterns, lexicon, last)
    mentions = [*before, *named_after]
    if not any(mention.label for mention in mentions) and lexicon.action(words[position - 1]) is not None:
        # An action's own name and bare arguments: their order is the action's, whatever the wording's is.
        patterns = tuple(pattern for pattern in patterns if pattern.by_name) or patterns
    nearby = frozenset(words[start : max([position, *(mention.end for mention in named_after)])])
    by_rank = [_assign(pattern, mentions, len(before), nearby, lexicon) for pattern in patterns]
    _, phrase, used = max(by_rank, key=lambda ranked: ranked[0])
    end = max([position, *(mention.end for mention in mentions[:used])])
    if phrase.complete and used == len(mentions) and adjacent:
        # Names right behind a full list of arguments are arguments too many, which the judge has to see.
        phrase = Phrase((*phrase.step, *(mention.name for mention in adjacent)), complete=True)
        end = adjacent[-1].end
    subject = next((mention.name for mention in named_after if mention.known), last)
    return phrase, end, subject


def _verb(
    words: Sequence[str], start: int, lexicon: Lexicon
) -> tuple[list[_Mention], tuple[Pattern, ...], int, int] | None:
    """Names that stand before the verb, the verb's patterns, the position after it, the position of a particle that
    comes later ("pick a up"; -1 for none)."""
    before: list[_Mention] = []
    label = ""
    position = start
    while position < min(len(words), start + _LOOK_AHEAD):
        if (verb := lexicon.verb_at(words, position)) is not None:
            return before, verb[0], verb[1], -1
        word = words[position]
        if (particles := lexicon.split_verbs.get(word)) is not None:
            for later in range(position + 2, min(len(words), position + 6)):
                if words[later] in _STRONG:
                    break
                if words[later] in particles:
                    return before, lexicon.verbs[word + words[later]], position + 1, later
        named = lexicon.object_at(words, position) if label else None
        if named is not None:
            before.append(_Mention(named[0], True, label, position))
            label, position = "", named[1]
            continue
        if word in PREPOSITIONS:
            label = label or PREPOSITIONS[word]
        elif not (word in LEAD_IN or word in ARTICLES or word in lexicon.nouns or word in {",", ":", '"', "'"}):
            return None
        position += 1
    return None


def _mentions(
    words: Sequence[str], start: int, particle: int, patterns: Sequence[Pattern], lexicon: Lexicon, last: str
) -> tuple[list[_Mention], list[_Mention]]:
    """The names after a verb, at most as many as its longest pattern has slots; and names right behind them."""
    most = max(len(pattern.slots) for pattern in patterns)
    found: list[_Mention] = []
    label, position, idle = "", start, 0
    while position < len(words) and len(found) < most and idle < _LOOK_AHEAD:
        word = words[position]
        idle += 1
        if position == particle:
            position += 1
            continue
        named = lexicon.object_at(words, position)
        if named is not None:
            found.append(_Mention(named[0], True, label, named[1]))
            label, position, idle = "", named[1], 0
            continue
        if word in _STRONG:
            break
        if word in PREPOSITIONS:
            label = label or PREPOSITIONS[word]
        elif word in lexicon.keywords and not lexicon.nouns.issuperset((word,)):
            label = label or word
        elif word == "it" and last:
            found.append(_Mention(last, True, label, position + 1))
            label = ""
        elif word in ARTICLES or word in lexicon.nouns or not word[0].isalnum() or word == "then":
            pass
        elif lexicon.verb_at(words, position) is not None:
            break
        else:
            found.append(_Mention(word, False, label, position + 1))
            label = ""
        position += 1
    adjacent: list[_Mention] = []
    fewest = min(len(pattern.slots) for pattern in patterns)
    if fewest == most == len(found) and (not found or found[-1].end == position):
        while position < len(words) and (named := lexicon.object_at(words, position)) is not None:
            adjacent.append(_Mention(named[0], True, "", named[1]))
            position = named[1]
    return found, adjacent


def _assign(
    pattern: Pattern, mentions: Sequence[_Mention], before: int, nearby: frozenset[str], lexicon: Lexicon
) -> tuple[tuple[int, ...], Phrase, int]:
    """The step of a pattern with these names, how well it fits, and how many of the names it uses.

    Fit, in this order: all parameters filled with known objects; telling words met ("truck", "leave"); the objects of
    the right types; names introduced by the word that the pattern expects; and where nothing else decides, the pattern
    by name for bare names and that of the wording for sentences. Types come after what was said, so that a step which
    is said wrongly stays wrong.
    """
    slots = pattern.slots
    filled: dict[int, _Mention] = {}
    labels = used = 0
    sentence = any(mention.label for mention in mentions)
    # Names before the verb have their prepositions; they are placed after those that follow it, whose order counts.
    order = [*range(before, len(mentions)), *range(before)]
    for index in order[: len(slots)]:
        mention = mentions[index]
        free = [slot for slot in slots if slot.argument not in filled]
        matching = [slot for slot in free if mention.label and slot.label == mention.label]
        plain = [slot for slot in free if not slot.label]
        slot = (matching or (plain if sentence and not mention.label else free) or free)[0]
        labels += bool(matching)
        filled[slot.argument] = mention
        used = max(used, index + 1)
    arguments = [filled[argument] for argument in sorted(filled)]
    complete = len(filled) == len(slots) and all(mention.known for mention in arguments)
    admitted = lexicon.actions[pattern.action]
    typed = complete and all(
        not admitted[argument].isdisjoint(lexicon.objects[mention.name]) for argument, mention in filled.items()
    )
    told = len(pattern.keywords & nearby)
    rank = (int(complete), told, int(typed), labels, int(pattern.by_name != sentence))
    return rank, Phrase((pattern.action, *(mention.name for mention in arguments)), complete), used
