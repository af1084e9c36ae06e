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

from planbench.bias.nets import Net
from planbench.bias.pairs import Pair
from planbench.errors import CheckpointError
from planbench.models.catalog import LoadOptions, checkpoint_folder
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
    """Prompts of a pair, and the words of an answer after them, as the tokens of a tokenizer."""

    def __init__(self, tokenizer: Any, pair: Pair) -> None:
        self._tokenizer, self._pair = tokenizer, pair

    def read(self, tokens: Tensor, last: int) -> tuple[Tensor, Tensor]:
        """The text's tokens `[rows, longest]` of a pair's `[rows, positions]`, and where the last `last` of these
        end in it, `[rows, last]`. What stands after the pair's positions is the answer, a number a word."""
        prompts, said = tokens[:, : self._pair.positions], tokens[:, self._pair.positions :]
        texts: list[list[int]] = self._tokenizer(self._pair.texts(prompts.numpy()))["input_ids"]
        rows: list[Tensor] = []
        ends: list[list[int]] = []
        for text, answer in zip(texts, said.tolist(), strict=True):
            end = [len(text) - 1]
            for number in answer:
                text = [*text, *self._tokenizer(f" {number}", add_special_tokens=False)["input_ids"]]
                end.append(len(text) - 1)
            rows.append(torch.tensor(text))
            ends.append(end[-last:])
        return pad_sequence(rows, batch_first=True), torch.tensor(ends)


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
