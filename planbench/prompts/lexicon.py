"""The words that a reply may use for one task: actions, objects, and the phrases of the english wording.

Names are compared in lower case and, where that stays unambiguous, without separators, so that `pick-up`, `PICK_UP`,
`Pick up` and `pickup` are one action. Each action has up to two patterns under its verb: its name followed by the
arguments in order, and the step template of the wording, whose prepositions tell the arguments apart ("fly p1 to a2
from a1"). Only vocabulary is known here; whether a step makes sense is the judge's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planbench.core.syntax import supertypes, types_above
from planbench.core.tree import lower

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask
    from planbench.prompts.wording import Wording

PREPOSITIONS = {
    "on": "on",
    "onto": "on",
    "upon": "on",
    "over": "on",
    "in": "in",
    "into": "in",
    "inside": "in",
    "within": "in",
    "at": "at",
    "to": "to",
    "towards": "to",
    "from": "from",
    "off": "from",
    "with": "with",
    "using": "with",
    "of": "of",
    "for": "for",
    "by": "by",
    "via": "via",
    "through": "via",
}
"""Words that introduce an argument, each with the one it stands for."""

ARTICLES = frozenset({"the", "a", "an", "top", "and", "now", "called", "named"})
"""Words that carry nothing for a step; an object of that name takes precedence."""

_LEAD_IN = """
then next first firstly second secondly third thirdly finally lastly now and so also i we you he she it they the robot
arm agent hand will should shall must can could need needs would to have has let let's lets us me please do does execute
perform apply use action step again afterwards after that this is take
"""
LEAD_IN = frozenset(_LEAD_IN.split())
"""Words that may stand before a verb without saying anything."""

PARTICLES = frozenset({"up", "down", "off", "out"})
_LONGEST_VERB = 5
_ITEM = re.compile(r"\{(\d{1,3})(?::noun)?\}|([\w-]+)")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where an argument is mentioned: its position in the action, and the word that introduces it ("" for none)."""

    argument: int
    label: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to say an action: the order in which its arguments are mentioned, and the words that set it apart."""

    action: str
    slots: tuple[Slot, ...]
    keywords: frozenset[str]
    by_name: bool


def squash(name: str) -> str:
    """A name without case and separators, but for one between two digits: `loc-1-11` is not `loc-11-1`."""
    return _SEPARATOR.sub("", _BETWEEN_DIGITS.sub(".", lower(name)))


_BETWEEN_DIGITS, _SEPARATOR = re.compile(r"(?<=\d)[-_ ]+(?=\d)"), re.compile(r"[-_ ]")


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The vocabulary of a task.

    `actions` gives for each action the types that each parameter admits; `objects` gives each object's types, those
    above its own included. `nouns` are words for kinds of objects, `keywords` the telling words of all patterns.
    `verbs` maps a squashed phrase to its patterns; `beginnings` has all beginnings of these phrases, `first_words` the
    first word of each; `split_verbs` maps the first word of "pick up" and its like to particles. The loose tables map
    a squashed spelling to the one name that it can mean.
    """

    actions: Mapping[str, tuple[frozenset[str], ...]]
    objects: Mapping[str, frozenset[str]]
    predicates: frozenset[str]
    nouns: frozenset[str]
    keywords: frozenset[str]
    verbs: Mapping[str, tuple[Pattern, ...]]
    beginnings: frozenset[str]
    first_words: frozenset[str]
    split_verbs: Mapping[str, frozenset[str]]
    loose_objects: Mapping[str, str]
    loose_actions: Mapping[str, str]

    def action(self, word: str) -> str | None:
        """The action that a word names."""
        return word if word in self.actions else self.loose_actions.get(squash(word))

    def named(self, word: str) -> str | None:
        """The object that a word names."""
        return word if word in self.objects else self.loose_objects.get(squash(word))

    def inert(self, word: str) -> bool:
        """Whether a word cannot be meant as the name of an action: an object, a kind of object, a word of grammar."""
        return word in self.objects or word in self.nouns or word in LEAD_IN or word in ARTICLES or word in PREPOSITIONS

    def about_state(self, word: str) -> bool:
        """Whether a word names what can be said of a state, and so no action."""
        return word in self.predicates or word in self.nouns

    def action_at(self, words: Sequence[str], start: int) -> tuple[str, int] | None:
        """The action named by the words from `start` on ("load truck" is load-truck), and the position after it."""
        if words[start] in self.actions:
            return words[start], start + 1
        if squash(words[start]) not in self.beginnings:
            return None
        for end in range(min(len(words), start + _LONGEST_VERB), start, -1):
            if (name := self.loose_actions.get(squash("".join(words[start:end])))) is not None:
                return name, end
        return None

    def verb_at(self, words: Sequence[str], start: int) -> tuple[tuple[Pattern, ...], int] | None:
        """The patterns of the longest verb that begins at `start`, and the position after it."""
        if squash(words[start]) not in self.beginnings:
            return None
        for end in range(min(len(words), start + _LONGEST_VERB), start, -1):
            if (patterns := self.verbs.get(squash("".join(words[start:end])))) is not None:
                return patterns, end
        return None

    def object_at(self, words: Sequence[str], start: int) -> tuple[str, int] | None:
        """The object named at `start`, also as two words ("truck 1" for truck1), and the position after it."""
        if words[start] in self.objects:
            return words[start], start + 1
        if start + 1 < len(words) and words[start] in self.nouns and words[start + 1] not in self.objects:
            joined = self.loose_objects.get(squash(words[start] + words[start + 1]))
            if joined is not None:
                return joined, start + 2
        single = self.loose_objects.get(squash(words[start]))
        return None if single is None else (single, start + 1)


def build_lexicon(
    actions: Mapping[str, Sequence[frozenset[str]]],
    objects: Mapping[str, frozenset[str]],
    predicates: frozenset[str] = frozenset(),
    nouns: frozenset[str] = frozenset(),
    steps: Mapping[str, str] | None = None,
) -> Lexicon:
    """A lexicon from plain names. `steps` maps an action to its english template ("stack {0} on {1}")."""
    verbs: dict[str, list[Pattern]] = {}
    split: dict[str, set[str]] = {}
    first_words = {name.replace("_", "-").split("-")[0] for name in actions}
    for name, parameters in actions.items():
        labels = [""] * len(parameters)
        keywords: frozenset[str] = frozenset()
        template = (steps or {}).get(name)
        if template is not None:
            verb, slots, keywords = _read_template(template, nouns)
            for slot in slots:
                labels[slot.argument] = slot.label
            if verb:
                first_words.add(verb[0])
                verbs.setdefault(squash("".join(verb)), []).append(Pattern(name, slots, keywords, by_name=False))
                if len(verb) == 2 and verb[1] in PARTICLES:
                    split.setdefault(verb[0], set()).add(verb[1])
        in_order = tuple(Slot(argument, label) for argument, label in enumerate(labels))
        verbs.setdefault(squash(name), []).append(Pattern(name, in_order, keywords, by_name=True))
    return Lexicon(
        actions={name: tuple(parameters) for name, parameters in actions.items()},
        objects=dict(objects),
        predicates=predicates,
        nouns=nouns,
        keywords=frozenset(word for patterns in verbs.values() for pattern in patterns for word in pattern.keywords),
        verbs={phrase: tuple(patterns) for phrase, patterns in verbs.items()},
        beginnings=frozenset(phrase[:end] for phrase in verbs for end in range(1, len(phrase) + 1)),
        first_words=frozenset(first_words),
        split_verbs={first: frozenset(particles) for first, particles in split.items()},
        loose_objects=_unambiguous(objects),
        loose_actions=_unambiguous(actions),
    )


def _unambiguous(names: Mapping[str, object]) -> dict[str, str]:
    """Squashed spelling to name, without the spellings that two names share."""
    found: dict[str, str | None] = {}
    for name in names:
        key = squash(name)
        found[key] = None if key in found else name
    return {key: name for key, name in found.items() if name is not None}


def _read_template(template: str, nouns: frozenset[str]) -> tuple[list[str], tuple[Slot, ...], frozenset[str]]:
    """The verb of a step template, its slots in order of mention, and its other telling words."""
    verb: list[str] = []
    slots: list[Slot] = []
    keywords: set[str] = set()
    label, verb_done = "", False
    for number, literal in _ITEM.findall(template.lower()):
        if number:
            slots.append(Slot(int(number), label))
            label, verb_done = "", bool(verb)
        elif literal in ARTICLES:
            continue
        elif literal in nouns:
            keywords.add(literal)
            verb_done = bool(verb)
        elif literal in PREPOSITIONS and not (verb and not verb_done and literal in PARTICLES):
            label = label or PREPOSITIONS[literal]
            verb_done = bool(verb)
        elif not verb_done:
            verb.append(literal)
            label = ""
        else:
            keywords.add(literal)
            label = label or literal
    if len([slot for slot in slots if slot.label]) == 1 and slots[0].label:
        # "do stack with {0}, {1}": the word introduces the whole list, it does not tell one argument from another.
        slots = [Slot(slot.argument, "") for slot in slots]
    return verb, tuple(slots), frozenset(keywords)


def lexicon_of(task: CompiledTask, wording: Wording) -> Lexicon:
    """The lexicon of a task in a wording. The latest are kept, as the samples of a task are often read one after the
    other."""
    key = id(task), id(wording)
    if key not in _latest:
        if len(_latest) == _LATEST:
            del _latest[next(iter(_latest))]
        _latest[key] = task, wording, _lexicon_of(task, wording)
    return _latest[key][2]


_LATEST = 64
_latest: dict[tuple[int, int], tuple[CompiledTask, Wording, Lexicon]] = {}
"""With what they were made of, so that an id stays what it was."""


def _lexicon_of(task: CompiledTask, wording: Wording) -> Lexicon:
    above = supertypes(task.domain.types)
    known = types_above(above, task.objects.values())
    nouns = {noun for phrase in wording.objects.values() for noun in phrase.lower().split()}
    return build_lexicon(
        actions={
            name: [frozenset(parameter.types) for parameter in action.parameters]
            for name, action in task.domain.actions.items()
        },
        objects={name: known[kind] for name, kind in task.objects.items()},
        predicates=frozenset(task.domain.predicates),
        nouns=frozenset({*nouns, *above}),
        steps=wording.steps,
    )
