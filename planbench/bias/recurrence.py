"""The recurrence of an LSTM over runs side by side, with a backward pass of its own.

torch's LSTM multiplies every word by the input weights. Where there are fewer words than places, as with our prompts,
a table of what each word adds to the gates says the same for less; and steps written out work in place, sum the
weights' gradient as they go and have no graph. `tests/bench/test_probes.py` has the two side by side.

tanh(x) is written 2 sigmoid(2x) - 1, which torch computes several times faster: to about 1e-7 of it in float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def recur(
    words: Tensor, onward: Tensor, tokens: Tensor, state: Tensor, cell: Tensor, last: int
) -> tuple[Tensor, Tensor]:
    """What is known after each of the last tokens, `[runs, rows, last, width]`, and the cell after all of them, `[runs,
    rows, width]`. `words` [runs, vocabulary, 4 width] is what a token adds to the gates, which let in, forget, propose
    and let out, in this order; `onward` [runs, 4 width, width] multiplies the state before; `tokens` [runs, rows,
    positions]; `state` and `cell` [runs, rows, width]."""
    width = onward.shape[-1]
    doubled = torch.ones(4 * width, dtype=onward.dtype)
    doubled[2 * width : 3 * width] = 2
    states, cell = _Recurrence.apply(words * doubled, onward * doubled[:, None], tokens, state, cell, last)
    return states.permute(1, 2, 0, 3), cell


class _Recurrence(torch.autograd.Function):
    """Gates are sigmoids throughout: the proposal's come doubled. States are `[last, runs, rows, width]`."""

    @staticmethod
    def forward(
        ctx: Any, words: Tensor, onward: Tensor, tokens: Tensor, state: Tensor, cell: Tensor, last: int
    ) -> tuple[Tensor, Tensor]:
        runs, vocabulary, wide = words.shape
        rows, steps = tokens.shape[1:]
        width = wide // 4
        table, back = words.flatten(0, 1), onward.transpose(1, 2).contiguous()
        places = (tokens + (torch.arange(runs) * vocabulary)[:, None, None]).permute(2, 0, 1).flatten(1)
        minus = words.new_tensor(-1.0)
        gates = words.new_empty(steps, runs, rows, wide)
        proposed, opened = (words.new_empty(steps, runs, rows, width) for _ in range(2))
        states, cells = (words.new_empty(steps + 1, runs, rows, width) for _ in range(2))
        states[0], cells[0] = state, cell
        for step, there in enumerate(places.contiguous()):
            now = gates[step]
            torch.index_select(table, 0, there, out=now.view(runs * rows, wide))
            torch.baddbmm(now, states[step], back, out=now).sigmoid_()
            let_in, kept, proposal, let_out = now.view(runs, rows, 4, width).unbind(2)
            torch.add(minus, proposal, alpha=2, out=proposed[step])
            torch.mul(kept, cells[step], out=cells[step + 1]).addcmul_(let_in, proposed[step])
            half = torch.mul(cells[step + 1], 2, out=opened[step]).sigmoid_()
            torch.mul(let_out, torch.add(minus, half, alpha=2, out=half), out=states[step + 1])
        ctx.save_for_backward(onward, places, gates, proposed, opened, states, cells)
        ctx.vocabulary = vocabulary
        return states[steps + 1 - last :], cells[steps]

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]: torch names it otherwise than it calls it
        ctx: Any, *given: Tensor
    ) -> tuple[Tensor | None, ...]:
        onward, places, gates, proposed, opened, states, cells = ctx.saved_tensors
        of_states, of_cell = given[0], given[1].clone()
        steps, runs, rows, wide = gates.shape
        last, width = len(of_states), wide // 4
        of_onward, of_state, part = torch.zeros_like(onward), torch.zeros_like(of_cell), torch.empty_like(of_cell)
        nothing, of_gates = of_cell.new_zeros(()), torch.empty_like(gates[0])
        of_in, of_kept, of_proposal, of_out = of_gates.view(runs, rows, 4, width).unbind(2)
        for step in reversed(range(steps)):
            let_in, kept, _, let_out = gates[step].view(runs, rows, 4, width).unbind(2)
            if step >= steps - last:
                of_state += of_states[step - steps + last]
            torch.mul(of_state, opened[step], out=of_out)
            torch.mul(of_state, let_out, out=part)
            of_cell += torch.ops.aten.tanh_backward.grad_input(part, opened[step], grad_input=part)
            torch.mul(of_cell, proposed[step], out=of_in)
            torch.mul(of_cell, cells[step], out=of_kept)
            torch.addcmul(nothing, of_cell, let_in, value=2, out=of_proposal)
            of_cell *= kept
            # In their place: the gates are not needed again.
            now = torch.ops.aten.sigmoid_backward.grad_input(of_gates, gates[step], grad_input=gates[step])
            torch.bmm(now, onward, out=of_state)
            of_onward.baddbmm_(now.transpose(1, 2), states[step])
        found = torch.ops.aten.embedding_dense_backward(
            gates.view(-1, wide), places.reshape(-1), runs * ctx.vocabulary, -1, False
        )
        return found.view(runs, -1, wide), of_onward, None, of_state, of_cell, None
