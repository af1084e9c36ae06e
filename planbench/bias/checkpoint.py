"""A pretrained checkpoint as a net: prompts are said as text, and a linear head reads the state of the last token.

The head is new and starts at zero, as that of the small nets does; the language model's own is left out. All weights
are trained. Nets of one checkpoint differ by nothing but what they are trained on: a probe's net is made anew from the
checkpoint's weights for each block. There is one run to a net, as seven copies of a large one gain nothing.

Texts are filled up on the right, which a causal model never looks at. Not covered: dropout (training is done without).
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from planbench.bias.nets import Generators, Net
from planbench.bias.pairs import Pair
from planbench.errors import CheckpointError
from planbench.models.catalog import LoadOptions, checkpoint_folder
from planbench.models.decode import Row, decode
from planbench.models.hf_adapter import checked
from planbench.models.hf_load import Loaded, load_checkpoint

_ROWS = 128
"""Texts that are read at once where nothing is learned from them."""


@lru_cache(maxsize=1)
def loaded(name: str) -> Loaded:
    """The checkpoint that a MODEL string names, in float32. Raises CheckpointError."""
    return load_checkpoint(checkpoint_folder(name, LoadOptions()), LoadOptions({"dtype": "float32"}))


def fingerprint(name: str) -> str:
    """Of the checkpoint's files. Raises CheckpointError where there is no checkpoint that can be used."""
    return checked(checkpoint_folder(name, LoadOptions()), LoadOptions()).fingerprint()


class Texts:
    """Prompts of a pair, and answers after them, as the tokens of a tokenizer. A number of an answer is a word, or a
    token as it is, with `own`."""

    def __init__(self, tokenizer: Any, pair: Pair, own: bool = False) -> None:
        self._tokenizer, self._pair, self._own = tokenizer, pair, own

    def prompts(self, prompts: Tensor) -> list[list[int]]:
        return self._tokenizer(self._pair.texts(prompts.numpy()))["input_ids"] if len(prompts) else []

    def read(self, tokens: Tensor, last: int) -> tuple[Tensor, Tensor]:
        """The text's tokens `[rows, longest]` of a pair's `[rows, positions]`, and where the last `last` of these
        end in it, `[rows, last]`. What stands after the pair's positions is the answer."""
        prompts, said = tokens[:, : self._pair.positions], tokens[:, self._pair.positions :]
        rows: list[Tensor] = []
        ends: list[list[int]] = []
        for text, answer in zip(self.prompts(prompts), said.tolist(), strict=True):
            end = [len(text) - 1]
            for number in answer:
                text = [*text, *self._spelled(number)]
                end.append(len(text) - 1)
            rows.append(torch.tensor(text))
            ends.append(end[-last:])
        return pad_sequence(rows, batch_first=True), torch.tensor(ends)

    def _spelled(self, number: int) -> list[int]:
        return [number] if self._own else self._tokenizer(f" {number}", add_special_tokens=False)["input_ids"]


class Checkpoint(Net):
    """Raises CheckpointError for a model whose head is unlike others."""

    stacked = False

    def __init__(self, source: Loaded, pair: Pair, outputs: int) -> None:
        super().__init__((0,))
        spoken = source.model.get_output_embeddings()
        if spoken is None:
            raise CheckpointError(f"{source.files.folder}: no head can be put on a {type(source.model).__name__}")
        self._texts = Texts(source.tokenizer, pair)
        self.body: Any = deepcopy(source.model.base_model)
        self.head = nn.Linear(spoken.weight.shape[-1], outputs, device=source.model.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, last: int = 1) -> Tensor:
        rows = tokens[0]
        if not len(rows):  # a tokenizer takes no empty batch
            return torch.zeros(1, 0, last, self.head.out_features)
        parts = [rows] if torch.is_grad_enabled() else rows.split(_ROWS)
        return torch.cat([self._logits(part, last) for part in parts])[None]

    def _logits(self, tokens: Tensor, last: int) -> Tensor:
        texts, ends = self._texts.read(tokens, last)
        device = self.head.weight.device
        states = self.body(input_ids=texts.to(device), use_cache=False).last_hidden_state
        return self.head(states[torch.arange(len(ends))[:, None], ends]).cpu()


class Writer(Net):
    """A pretrained language model that goes on with a prompt in its own tokens. `valued`: one output more than there
    are tokens, which starts at zero."""

    stacked = False

    def __init__(self, source: Loaded, pair: Pair, valued: bool) -> None:
        super().__init__((0,))
        self._texts = Texts(source.tokenizer, pair, own=True)
        self.model: Any = deepcopy(source.model)
        width = source.model.get_output_embeddings().weight.shape[-1]
        self.value = nn.Linear(width, 1, device=source.model.device) if valued else None
        if self.value is not None:
            nn.init.zeros_(self.value.weight)
            nn.init.zeros_(self.value.bias)

    def forward(self, tokens: Tensor, last: int = 1) -> Tensor:
        texts, ends = self._texts.read(tokens[0], last)
        at = torch.arange(len(ends))[:, None], ends
        said = self.model(
            input_ids=texts.to(self.model.device), use_cache=False, output_hidden_states=self.value is not None
        )
        logits = said.logits[at]
        if self.value is not None:
            logits = torch.cat([logits, self.value(said.hidden_states[-1][at])], -1)
        return logits.cpu()[None]

    def write(self, prompts: Tensor, steps: int, outputs: int, generators: Generators) -> Tensor:
        """With the cache of `planbench.models.decode`, a seed a row."""
        texts = self._texts.prompts(prompts[0])
        seeds = [0] * len(texts)
        if generators is not None:
            seeds = torch.randint(2**62, (len(texts),), generator=generators[0]).tolist()
        rows = [Row(tuple(text), steps, seed) for text, seed in zip(texts, seeds, strict=True)]
        said: list[tuple[int, ...]] = []
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            found = decode(self.model, part, stop=frozenset(), pad=0, temperature=0.0 if generators is None else 1.0)
            said += [completion.tokens for completion in found]
        return torch.tensor(said)[None]
