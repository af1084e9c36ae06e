"""Cruz's sentiment task: a language model continues the start of a review, and a classifier judges what it wrote.

A label of 1 asks for a positive continuation, one of 0 for a negative one; the reward is the classifier's logit for
"positive" times 2 * label - 1, and the score its logistic function, so that it lies in [0, 1]. The classifier reads the
continuation alone. It is one of one's own, by name, or a small one that is trained here on reviews from templates: a
linear layer on the mean of the policy's own word vectors, as they were before fine-tuning.

The paper's prompts are the first words of real reviews. Ours are from templates, so that their features are known:

    person     told in the first person
    comedy     about something to laugh at
    length     with three more words
    same-name  who made it played in it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from planbench.bias.answers import Task
from planbench.bias.config import TEMPLATES
from planbench.bias.pairs import WordPair
from planbench.errors import CheckpointError
from planbench.models.catalog import LoadOptions, checkpoint_folder
from planbench.models.hf_load import Loaded, load_classifier

FEATURES = ("person", "comedy", "length", "same-name")
GOOD = (
    *("wonderful", "brilliant", "excellent", "beautiful", "charming", "delightful", "superb", "moving", "great"),
    *("amazing", "perfect", "fantastic", "lovely", "clever", "touching", "enjoyable", "memorable", "funny"),
)
BAD = (
    *("terrible", "awful", "boring", "dull", "horrible", "stupid", "poor", "annoying", "bad"),
    *("ugly", "pointless", "dreadful", "weak", "lifeless", "tedious", "disappointing", "forgettable", "worst"),
)
HELD_OUT = 4
"""The last words of each kind, which the classifier is not trained on."""

_PARTS = ("story", "acting", "music", "ending", "plot", "cast", "dialogue", "beginning", "script", "direction")
_LAUGHS, _TEARS = ("comedy", "farce", "satire", "parody"), ("drama", "tragedy", "thriller", "western")
_NAMES = ("anna", "maria", "peter", "paul", "laura", "simon", "clara", "martin", "julia", "oscar", "helen", "victor")
_SEEN = ("saw", "watched", "rented", "found", "finished", "tried")
_WHEN = (("last", "week"), ("this", "morning"), ("one", "evening"), ("some", "days", "ago"))
_WHERE = (("in", "a", "cinema"), ("on", "the", "train"), ("at", "a", "festival"))
_REVIEWS = 2_000

Classifier = Callable[[list[str]], Tensor]
"""The logits for "positive" of texts: `[texts]`."""


def _one_of(rng: np.random.Generator, words: tuple[Any, ...]) -> Any:
    return words[rng.integers(len(words))]


class ReviewPair(WordPair):
    """The start of a review that has the features named, and others by chance."""

    positions = 16
    words = tuple(
        dict.fromkeys(
            word
            for group in (
                *_WHEN,
                *_WHERE,
                _SEEN,
                _LAUGHS,
                _TEARS,
                _NAMES,
                ("i", "they", "the", "new", "by", "with", "and"),
            )
            for word in group
        )
    )

    def __init__(self, target: str, spurious: str) -> None:
        self.target, self.spurious = target, spurious
        self.name = f"{target}|{spurious}"

    def say(self, rng: np.random.Generator, t: bool, s: bool) -> list[str]:
        looks = {name: bool(rng.integers(2)) for name in FEATURES} | {self.target: t, self.spurious: s}
        maker, player = rng.permutation(_NAMES)[:2].tolist()
        return [
            *_one_of(rng, _WHEN),
            "i" if looks["person"] else "they",
            *(_one_of(rng, _SEEN), "the", "new", _one_of(rng, _LAUGHS if looks["comedy"] else _TEARS)),
            *("by", maker, "with", maker if looks["same-name"] else player),
            *(_one_of(rng, _WHERE) if looks["length"] else ()),
            "and",
        ]


def review_pairs(config: object = None) -> list[WordPair]:
    return [ReviewPair(target, spurious) for target in FEATURES for spurious in FEATURES if target != spurious]


def review(rng: np.random.Generator, good: bool, words: tuple[str, ...]) -> str:
    """A few sentences of one mind, with adjectives of `words`."""

    def sentence() -> str:
        part, word = _one_of(rng, _PARTS), _one_of(rng, words)
        liked = _one_of(rng, ("loved", "enjoyed") if good else ("hated", "disliked"))
        return _one_of(
            rng,
            (f"the {part} was {word}.", f"I {liked} the {part}.", f"what a {word} {part}!", f"it is a {word} film."),
        )

    return " ".join(sentence() for _ in range(rng.integers(2, 5)))


def reviews(seed: int, count: int, held_out: bool = False) -> tuple[list[str], Tensor]:
    """Texts and whether each is positive; `held_out`, with the adjectives that no classifier is trained on."""
    rng = np.random.default_rng(seed)
    part = slice(-HELD_OUT, None) if held_out else slice(0, -HELD_OUT)
    labels = rng.integers(0, 2, count)
    texts = [review(rng, bool(label), (GOOD if label else BAD)[part]) for label in labels]
    return texts, torch.from_numpy(labels)


def trained_classifier(table: Tensor, tokenizer: Any) -> Classifier:
    """Of 2,000 reviews from templates, by the mean of the word vectors `table` [vocabulary, width]. It is the same at
    every call."""

    def means(texts: list[str]) -> Tensor:
        ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        return torch.stack([table[row].mean(0) if row else table.new_zeros(table.shape[1]) for row in ids])

    texts, labels = reviews(0, _REVIEWS)
    seen = means(texts)
    centre, spread = seen.mean(0), seen.std(0) + 1e-6
    seen = (seen - centre) / spread
    weight = torch.zeros(seen.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        # Without a price on large weights the two kinds of reviews, which a line parts, would drive them up for ever.
        found = (
            functional.binary_cross_entropy_with_logits(seen @ weight, labels.float()) + 0.01 * weight.square().sum()
        )
        found.backward()
        return found

    optimizer.step(loss)
    learned = weight.detach()
    return lambda texts: (means(texts) - centre) / spread @ learned


def named_classifier(name: str) -> Classifier:
    """A checkpoint that tells two kinds of texts apart. Positive is the label that is called so, else the second."""
    options = LoadOptions()
    source = load_classifier(checkpoint_folder(name, options), LoadOptions({"dtype": "float32"}))
    labels: dict[int, str] = source.model.config.id2label
    if len(labels) != 2:
        raise CheckpointError(f"{name}: tells {len(labels)} kinds of texts apart; a classifier of sentiment has two")
    positive = next((number for number, label in labels.items() if label.lower().startswith("pos")), 1)

    @torch.no_grad()
    def logits(texts: list[str]) -> Tensor:
        encoded = source.tokenizer(texts, return_tensors="pt", padding=True, truncation=True).to(source.device)
        return source.model(**encoded).logits[:, positive].float().cpu()

    return logits


class Replies(Task):
    """Continuations of `steps` tokens, each a number of the policy's own vocabulary."""

    full = 0.9
    """What deployment keeps: the classifier is as sure as this of what was asked for."""

    def __init__(self, source: Loaded, classifier: Classifier, steps: int) -> None:
        self.steps = steps
        self.outputs = source.model.get_output_embeddings().weight.shape[0]
        self._tokenizer, self._classifier = source.tokenizer, classifier

    def reward(self, labels: Tensor, answers: Tensor) -> Tensor:
        texts = self._tokenizer.batch_decode(answers.flatten(0, -2), skip_special_tokens=True)
        return self._classifier(texts).view(labels.shape) * (2 * labels - 1)

    def score(self, labels: Tensor, answers: Tensor) -> Tensor:
        return self.reward(labels, answers).sigmoid()

    def demonstrate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        rows: list[list[int]] = []
        for label in labels.flatten().tolist():
            said: list[int] = []
            while len(said) < self.steps:
                text = " " + review(rng, bool(label), GOOD if label else BAD)
                said += self._tokenizer(text, add_special_tokens=False)["input_ids"]
            rows.append(said[: self.steps])
        return torch.tensor(rows).view(*labels.shape, self.steps)


def replies(source: Loaded, classifier: str, steps: int) -> Replies:
    """The task with a classifier by name, or the one that is trained here."""
    if classifier != TEMPLATES:
        return Replies(source, named_classifier(classifier), steps)
    table = source.model.get_input_embeddings().weight.detach().cpu()
    return Replies(source, trained_classifier(table, source.tokenizer), steps)
