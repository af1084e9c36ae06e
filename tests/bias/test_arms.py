"""The ways to train: gradients against enumeration, PPO against plain code, runs that do not meddle with each other."""

from __future__ import annotations

import math
from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from planbench.bias.answers import Naming, Ordering
from planbench.bias.arms import Budget, Data, Dice, batches, clip_runs, left_out, within_group
from planbench.bias.cell import ARMS
from planbench.bias.nets import Decoder, Lstm, Net
from planbench.bias.policy import answer, answer_and_chance, log_chances, logits_of
from planbench.bias.ppo import advantages_of, policy_loss, ppo


def small(seeds: list[int], outputs: int = 2, kind: str = "lstm") -> Lstm | Decoder:
    if kind == "lstm":
        return Lstm(seeds, 10, outputs, 12)
    return Decoder(seeds, 10, outputs, 16, 1, 2, 12)


def contains_one(runs: int, examples: int, positions: int = 4) -> Data:
    prompts = torch.randint(2, 10, (runs, examples, positions), generator=torch.Generator().manual_seed(0))
    prompts[:, ::2, 1] = 1
    return Data(prompts, (prompts == 1).any(-1).long())


BUDGET = Budget(epochs=5, batch=32, lr=1e-2, rollout=64, passes=2)


@pytest.mark.parametrize("kind", ["lstm", "decoder"])
@pytest.mark.parametrize("arm", sorted(ARMS))
def test_every_arm_learns_what_is_easy_and_runs_do_not_meddle(arm: str, kind: str) -> None:
    data = contains_one(2, 256)
    outputs = 2 + (arm == "ppo")
    together = small([5, 6], outputs, kind)
    ARMS[arm](together, data, Naming(), BUDGET, Dice([1, 2]), lambda share: None)
    alone = small([6], outputs, kind)
    second = Data(data.prompts[1:], data.labels[1:])
    ARMS[arm](alone, second, Naming(), BUDGET, Dice([2]), lambda share: None)
    answers = answer(together, data.prompts, Naming())[..., 0]
    assert (answers == data.labels).float().mean(1).min() > 0.95
    with torch.no_grad():
        torch.testing.assert_close(together(data.prompts)[1:], alone(second.prompts), atol=2e-3, rtol=1e-2)


def test_an_lstm_of_the_batch_is_the_lstm_of_the_textbook() -> None:
    """Gates enter, forget, new, leave, as in Hochreiter and Schmidhuber's cell with a forget gate."""
    net = Lstm([3, 4], 10, 2, 12)
    torch.nn.init.normal_(net.head)
    torch.nn.init.normal_(net.bias)
    tokens = torch.randint(0, 10, (2, 7, 5))
    found = net(tokens, 3)
    for run in range(2):
        hidden = cell = torch.zeros(7, 12)
        read: list[torch.Tensor] = []
        for place in range(5):
            words = net.embedding[run][tokens[run, :, place]]
            gates = words @ net.inward[run].T + hidden @ net.onward[run].T + net.bias[run]
            enter, forget, new, leave = gates.chunk(4, -1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            hidden = leave.sigmoid() * cell.tanh()
            read.append(hidden @ net.head[run])
        torch.testing.assert_close(found[run], torch.stack(read[-3:], 1))
    found.square().sum().backward()
    assert all(weights.grad is not None and weights.grad.abs().sum() > 0 for weights in net.parameters())


@pytest.mark.parametrize("vocabulary", [10, 60])
def test_an_lstm_has_the_values_and_gradients_of_torchs(vocabulary: int) -> None:
    """With fewer words than places and with more, from any state, where the last cell counts too; in float64."""
    net = Lstm([3, 4], vocabulary, 2, 12).to(torch.float64)
    torch.nn.init.normal_(net.bias)
    tokens = torch.randint(0, vocabulary, (2, 7, 5))
    states = [torch.randn(2, 7, 12, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    weighing = torch.randn(2, 7, 3, 12, dtype=torch.float64)
    read, (_, cell) = net._read(tokens, 3, (states[0], states[1]))  # pyright: ignore[reportPrivateUsage]
    ((read * weighing).sum() + cell.square().sum()).backward()
    learned = {name: getattr(net, name).grad for name in ("embedding", "inward", "onward", "bias")}
    for run in range(2):
        words = net.embedding.detach()[run].requires_grad_()
        theirs = torch.nn.LSTM(12, 12, batch_first=True).to(torch.float64)
        with torch.no_grad():
            ours = (net.inward[run], net.onward[run], net.bias[run], torch.zeros_like(net.bias[run]))
            for weights, value in zip(theirs.parameters(), ours, strict=True):
                weights.copy_(value)
        before = [state.detach()[None, run].requires_grad_() for state in states]
        expected, (_, last) = theirs(words[tokens[run]], tuple(before))
        torch.testing.assert_close(read[run], expected[:, -3:], atol=1e-12, rtol=0)
        torch.testing.assert_close(cell[run], last[0], atol=1e-12, rtol=0)
        ((expected[:, -3:] * weighing[run]).sum() + last.square().sum()).backward()
        found = [
            *(learned[name][run] for name in learned),
            *(state.grad[run] for state in states if state.grad is not None),
        ]
        leaves = (words, *list(theirs.parameters())[:3], *before)
        for value, leaf in zip(found, leaves, strict=True):
            assert leaf.grad is not None
            torch.testing.assert_close(value, leaf.grad.reshape(value.shape), atol=1e-11, rtol=0)


def test_an_lstm_that_reads_each_token_once_writes_what_one_that_reads_all_again_does() -> None:
    net = Lstm([3, 4], 10, 6, 12)
    torch.nn.init.normal_(net.head, std=3)
    prompts = torch.randint(0, 10, (2, 50, 5))
    with torch.no_grad():
        for drawing in (False, True):
            ours, plain = (
                write(net, prompts, 4, 6, [torch.Generator().manual_seed(run) for run in range(2)] if drawing else None)
                for write in (Lstm.write, Net.write)
            )
            assert torch.equal(ours, plain)
            assert len(ours.unique()) > 2


def test_the_decoder_looks_back_only() -> None:
    net = small([0], kind="decoder")
    torch.nn.init.normal_(net.head)
    tokens = torch.randint(0, 10, (1, 3, 8))
    changed = tokens.clone()
    changed[..., -1] = (changed[..., -1] + 1) % 10
    with torch.no_grad():
        before, after = net(tokens, 8), net(changed, 8)
    torch.testing.assert_close(before[:, :, :-1], after[:, :, :-1])
    assert (before[:, :, -1] - after[:, :, -1]).abs().max() > 1e-3


def exact_gradient(logits: Tensor, rewards: Tensor) -> Tensor:
    """Of the expected reward of one draw from softmax(logits)."""
    chances = logits.softmax(-1)
    return chances * (rewards - (chances * rewards).sum(-1, keepdim=True))


@pytest.mark.parametrize("rows", [2, 3])
def test_reinforce_with_the_others_as_baseline_has_no_bias(rows: int) -> None:
    """By enumeration of all answers to `rows` prompts: the mean estimate is the gradient of the expected reward."""
    logits = torch.tensor([[0.3, -0.7], [1.1, 0.2], [-0.4, 0.5]], dtype=torch.float64)[:rows].requires_grad_()
    labels = torch.tensor([1, 0, 1])[:rows]
    total = torch.zeros_like(logits)
    for said in product(range(2), repeat=rows):
        answers = torch.tensor(said)
        chances = logits.log_softmax(-1).gather(-1, answers[:, None])[:, 0]
        rewards = (answers == labels).double()
        (gradient,) = torch.autograd.grad((left_out(rewards) * chances).mean(), logits)
        total += chances.sum().exp().detach() * gradient
    rewards = torch.nn.functional.one_hot(labels, 2).double()
    torch.testing.assert_close(total, exact_gradient(logits.detach(), rewards) / rows)


def test_groups_that_are_all_alike_say_nothing() -> None:
    rewards = torch.tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    assert within_group(rewards).tolist() == [[0, 0, 0, 0], [-1, 1, -1, 1]]


def test_generalised_advantages_are_the_sum_of_their_definition() -> None:
    values = torch.tensor([0.2, -0.3, 0.5, 0.1])
    reward, decay = 0.75, 0.9
    after = [*values[1:].tolist(), reward]
    deltas = [after[step] - values[step].item() for step in range(4)]
    expected = [sum(decay ** (k - step) * deltas[k] for k in range(step, 4)) for step in range(4)]
    assert advantages_of(torch.tensor(reward), values, decay).tolist() == pytest.approx(expected)


def test_the_clipped_loss_is_the_papers_by_cases() -> None:
    """Schulman et al. 2017, figure 1: flat above 1 + eps for good actions, below 1 - eps for bad ones."""
    for ratio, advantage in product((0.5, 0.9, 1.0, 1.1, 1.5), (-2.0, 2.0)):
        chances = torch.tensor(math.log(ratio), requires_grad=True)
        loss = policy_loss(chances, torch.tensor(0.0), torch.tensor(advantage), 0.2)
        bounded = min(max(ratio, 0.8), 1.2)
        assert loss.item() == pytest.approx(-min(ratio * advantage, bounded * advantage))
        (slope,) = torch.autograd.grad(loss, chances)
        flat = (advantage > 0 and ratio > 1.2) or (advantage < 0 and ratio < 0.8)
        assert slope.item() == pytest.approx(0 if flat else -ratio * advantage)


def test_ppo_makes_the_updates_of_its_paper() -> None:
    """All weights after two rollouts of three passes, beside a plain loop over episodes with the same luck."""
    task, data = Ordering(3), contains_one(1, 24)
    budget = Budget(epochs=1, batch=4, lr=1e-2, rollout=12, passes=3, clip=0.02, lambda_=0.8, value=0.5, max_norm=0.4)
    net, plain = (small([5], outputs=task.outputs + 1).double() for _ in range(2))
    ppo(net, data, task, budget, Dice([9]), lambda share: None)

    def judged(prompt: Tensor, reply: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        rows = logits_of(plain, prompt[None, None], reply[None, None])[0, 0]
        chances = [row[: task.outputs].softmax(0)[token].log() for row, token in zip(rows, reply, strict=True)]
        return chances, [row[task.outputs] for row in rows]

    optimizer, dice = torch.optim.Adam(plain.parameters(), lr=budget.lr), Dice([9])
    clipped = 0
    for _, rows in batches(dice, 24, budget.epochs, budget.rollout):
        part = data.at(rows)
        answers = answer(plain, part.prompts, task, dice.generators)
        episodes: list[tuple[Tensor, Tensor, list[float], list[float], list[float]]] = []
        for prompt, reply, reward in zip(
            part.prompts[0], answers[0], task.reward(part.labels, answers)[0], strict=True
        ):
            with torch.no_grad():
                chances, values = ([float(one) for one in found] for found in judged(prompt, reply))
            errors = [after - now for now, after in zip(values, [*values[1:], float(reward)], strict=True)]
            ahead = [sum(budget.lambda_**k * errors[n + k] for k in range(3 - n)) for n in range(3)]
            episodes.append((prompt, reply, chances, values, ahead))
        for _, some in batches(dice, 12, budget.passes, budget.batch):
            chosen = [episodes[row] for row in some[0].tolist()]
            every = torch.tensor([ahead for *_, ahead in chosen], dtype=torch.float64)
            losses: list[Tensor] = []
            for prompt, reply, chances, values, ahead in chosen:
                for new, value, old, before, advantage in zip(
                    *judged(prompt, reply), chances, values, ahead, strict=True
                ):
                    fair = (advantage - every.mean()) / (every.std() + 1e-8)
                    ratio = (new - old).exp()
                    kept = ratio.clamp(1 - budget.clip, 1 + budget.clip)
                    clipped += int(kept != ratio)
                    losses.append(-min(ratio * fair, kept * fair) + budget.value * (value - (advantage + before)) ** 2)
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()
            torch.nn.utils.clip_grad_norm_(plain.parameters(), budget.max_norm)
            optimizer.step()
    assert clipped > 0
    for mine, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-9)


def test_gradients_are_clipped_run_by_run() -> None:
    net = small([1, 2])
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
        parameter.grad[1] *= 1e-6
    clip_runs(net, 0.5)
    gradients = [p.grad for p in net.parameters() if p.grad is not None]
    norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    assert norms[0].item() == pytest.approx(0.5, rel=1e-3)
    count = sum(g[0].numel() for g in gradients)
    assert norms[1].item() == pytest.approx(1e-6 * count**0.5, rel=1e-3)


def in_order(digits: tuple[int, ...], label: int) -> float:
    """Cruz's reward, step by step."""
    good = 0
    for before, after in pairwise(digits):
        if (after > before) if label else (after < before):
            good += 1
        else:
            break
    return good / (len(digits) - 1)


def test_cruz_reward_is_what_counting_says() -> None:
    every = list(product(range(4), repeat=5))
    for label in (0, 1):
        found = Ordering().reward(torch.full((len(every),), label), torch.tensor(every))
        assert found.tolist() == [in_order(digits, label) for digits in every]


def test_demonstrations_earn_the_full_reward() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (200,), generator=generator)
    for task in (Naming(), Ordering()):
        answers = task.demonstrate(labels, generator)
        assert answers.shape == (200, task.steps)
        assert task.reward(labels, answers).min() == 1


def test_chances_of_drawn_answers_are_those_of_the_net() -> None:
    net = small([0], 10, "decoder")
    torch.nn.init.normal_(net.head)
    prompts = torch.randint(0, 10, (1, 500, 4))
    answers, chances = answer_and_chance(net, prompts, Ordering(3), [torch.Generator().manual_seed(0)])
    again = log_chances(logits_of(net, prompts, answers), answers).sum(-1)
    torch.testing.assert_close(chances, again)
    first = net(prompts)[0, :, 0].softmax(-1).mean(0)
    drawn = torch.bincount(answers[0, :, 0], minlength=10) / 500
    assert (first - drawn).abs().max() < 0.08
