"""Small networks of which many are trained side by side: every parameter has the runs as its first dimension.

A run's loss depends on its own slice alone and the optimiser works number by number, so the runs of a batch are what
they would be alone; they only share the overhead. Each is drawn from a seed of its own. The last layer starts at zero:
a classifier starts by giving every answer the same probability.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from planbench.bias.recurrence import recur

Generators = list[torch.Generator] | None
"""One a run, to draw with; without, the likeliest is taken."""


class Net(nn.Module):
    """`forward` takes tokens `[runs, rows, positions]` and gives logits `[runs, rows, last, outputs]` of the last
    positions. `stacked`: every parameter has the runs first; a net that is not has one run."""

    stacked = True

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__()
        self.runs = len(seeds)
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def _drawn(self, *shape: int, scale: float) -> nn.Parameter:
        return nn.Parameter(torch.stack([torch.randn(shape, generator=g) * scale for g in self._generators]))

    def _filled(self, *shape: int, value: float = 0.0) -> nn.Parameter:
        return nn.Parameter(torch.full((self.runs, *shape), value))

    def forward(self, tokens: Tensor, last: int = 1) -> Tensor:
        raise NotImplementedError

    def write(self, prompts: Tensor, steps: int, outputs: int, generators: Generators) -> Tensor:
        """What follows `prompts`, `[runs, rows, steps]`, each token one of the first `outputs`: drawn with a generator
        a run, the likeliest ones without."""
        said = prompts
        for _ in range(steps):
            said = torch.cat([said, chosen(self(said)[:, :, 0, :outputs], generators)[..., None]], -1)
        return said[..., prompts.shape[-1] :]


def chosen(logits: Tensor, generators: Generators) -> Tensor:
    return logits.argmax(-1) if generators is None else drawn(logits, generators)


def drawn(logits: Tensor, generators: list[torch.Generator]) -> Tensor:
    """The largest of logits with Gumbel noise is a draw from their softmax."""
    noise = torch.stack([torch.rand(logits.shape[1:], generator=g) for g in generators])
    return (logits - (-(noise.clamp(1e-12, 1 - 1e-7)).log()).log()).argmax(-1)


State = tuple[Tensor, Tensor]


class Lstm(Net):
    """One layer, Lovering's model; her size is `width` 300."""

    def __init__(self, seeds: Sequence[int], vocabulary: int, outputs: int, width: int) -> None:
        super().__init__(seeds)
        self.embedding = self._drawn(vocabulary, width, scale=1.0)
        self.inward = self._drawn(4 * width, width, scale=width**-0.5)
        self.onward = self._drawn(4 * width, width, scale=width**-0.5)
        bias = torch.zeros(4 * width)
        bias[width : 2 * width] = 1.0  # gates that forget start open
        self.bias = nn.Parameter(bias.repeat(self.runs, 1))
        self.head = self._filled(width, outputs)
        self.head_bias = self._filled(1, outputs)

    def forward(self, tokens: Tensor, last: int = 1) -> Tensor:
        return self._logits(self._read(tokens, last)[0])

    def write(self, prompts: Tensor, steps: int, outputs: int, generators: Generators) -> Tensor:
        """As every net does it, but each token is read once."""
        coming, state, said = prompts, None, list[Tensor]()
        for _ in range(steps):
            read, state = self._read(coming, 1, state)
            said.append(chosen(self._logits(read)[:, :, 0, :outputs], generators))
            coming = said[-1][..., None]
        return torch.stack(said, -1)

    def _read(self, tokens: Tensor, last: int, state: State | None = None) -> tuple[Tensor, State]:
        """What is known after each of the last tokens, `[runs, rows, last, width]`, and where to go on from."""
        rows, positions = tokens.shape[1:]
        words = self.embedding
        if words.shape[1] > rows * positions:  # more words than places: those that are there
            words = _looked_up(words, tokens).flatten(1, 2)
            tokens = torch.arange(rows * positions).view(1, rows, positions).expand(self.runs, -1, -1)
        added = torch.baddbmm(self.bias[:, None], words, self.inward.transpose(1, 2))
        nothing = words.new_zeros(self.runs, rows, words.shape[-1])
        read, cell = recur(added, self.onward, tokens, *(state or (nothing, nothing)), last)
        return read, (read[:, :, -1], cell)

    def _logits(self, read: Tensor) -> Tensor:
        """`[runs, rows, positions, outputs]`."""
        flat = torch.baddbmm(self.head_bias, read.flatten(1, 2), self.head)
        return flat.unflatten(1, read.shape[1:3])


class Decoder(Net):
    """A causal transformer: learned positions, norms before each half of a layer, GELU (the architecture of GPT-2)."""

    def __init__(
        self,
        seeds: Sequence[int],
        vocabulary: int,
        outputs: int,
        width: int,
        layers: int,
        heads: int,
        positions: int,
    ) -> None:
        super().__init__(seeds)
        self.heads = heads
        self.embedding = self._drawn(vocabulary, width, scale=0.5)
        self.positions = self._drawn(positions, width, scale=0.5)
        scale = width**-0.5
        out = scale / (2 * layers) ** 0.5
        self.layers = [self._layer(width, scale, out) for _ in range(layers)]
        self.weights = nn.ModuleList(
            nn.ParameterDict(layer) for layer in self.layers
        )  # so that an optimiser finds them
        self.norm = self._filled(1, width, value=1.0)
        self.head = self._filled(width, outputs)
        self.head_bias = self._filled(1, outputs)

    def _layer(self, width: int, scale: float, out: float) -> dict[str, nn.Parameter]:
        return {
            "norm": self._filled(1, width, value=1.0),
            "project": self._drawn(width, 3 * width, scale=scale),
            "project_bias": self._filled(1, 3 * width),
            "out": self._drawn(width, width, scale=out),
            "out_bias": self._filled(1, width),
            "norm_inner": self._filled(1, width, value=1.0),
            "up": self._drawn(width, 4 * width, scale=scale),
            "up_bias": self._filled(1, 4 * width),
            "down": self._drawn(4 * width, width, scale=out / 2),
            "down_bias": self._filled(1, width),
        }

    def forward(self, tokens: Tensor, last: int = 1) -> Tensor:
        _, rows, positions = tokens.shape
        x = _looked_up(self.embedding, tokens) + self.positions[:, None, :positions]
        x = x.flatten(1, 2)
        width = x.shape[-1]
        for layer in self.layers:
            mixed = torch.baddbmm(layer["project_bias"], _normed(x, layer["norm"]), layer["project"])
            parts = mixed.view(self.runs * rows, positions, 3, self.heads, width // self.heads)
            queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind()
            mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
            mixed = mixed.transpose(1, 2).reshape(self.runs, rows * positions, width)
            x = x + torch.baddbmm(layer["out_bias"], mixed, layer["out"])
            inner = functional.gelu(torch.baddbmm(layer["up_bias"], _normed(x, layer["norm_inner"]), layer["up"]))
            x = x + torch.baddbmm(layer["down_bias"], inner, layer["down"])
        read = x.unflatten(1, (rows, positions))[:, :, positions - last :].flatten(1, 2)
        return torch.baddbmm(self.head_bias, _normed(read, self.norm), self.head).unflatten(1, (rows, last))


def _looked_up(table: Tensor, tokens: Tensor) -> Tensor:
    """`table` [runs, vocabulary, width] at `tokens` [runs, ...]."""
    runs, vocabulary, _ = table.shape
    first = torch.arange(runs).view(-1, *[1] * (tokens.ndim - 1)) * vocabulary
    return functional.embedding(tokens + first, table.flatten(0, 1))


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:]) * weight
