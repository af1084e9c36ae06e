"""What the loop optimises, proved on a policy whose every trace can be written down: in float64, through the loss and
the rules of the loop itself, against gradients worked out by hand.

The policy is a table of next-token logits for each task and previous token, over two letters and a stop token; a trace
ends with the stop token or after three letters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from random import Random

import pytest
import torch
from torch import Tensor

from planbench.loop.advantages import Ratio
from planbench.loop.curation import RULES
from planbench.loop.objective import IGNORED, sequence_nll, weighted_nll
from planbench.loop.ratios import factors
from planbench.records.trace import Trace
from tests.loop.traces import trace

STOP, START, LONGEST = 2, 3, 3
TASKS = 2
Y = tuple(
    word for size in range(LONGEST + 1) for letters in product((0, 1), repeat=size)
    for word in ([(*letters, STOP)] if size < LONGEST else [letters])
)  # fmt: skip
EXACT = 1e-12


def valid(task: int, y: Sequence[int]) -> bool:
    """Task 0 wants an even number of ones and something at all, task 1 a zero at the start."""
    letters = [token for token in y if token != STOP]
    return bool(letters) and (sum(letters) % 2 == 0 if task == 0 else letters[0] == 0)


def policy(seed: int, scale: float = 1.0) -> Tensor:
    """Logits `[tasks, previous token, next token]`."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(TASKS, 4, 3, generator=generator, dtype=torch.float64)


def read(table: Tensor, pairs: Sequence[tuple[int, Sequence[int]]]) -> tuple[Tensor, Tensor]:
    """Logits and targets of traces, as the loss takes them."""
    logits, targets = [], torch.full((len(pairs), LONGEST), IGNORED)
    for row, (task, y) in enumerate(pairs):
        before = [START, *y][: len(y)] + [START] * (LONGEST - len(y))
        logits.append(table[task][before])
        targets[row, : len(y)] = torch.tensor(list(y))
    return torch.stack(logits), targets


def log_p(table: Tensor, pairs: Sequence[tuple[int, Sequence[int]]]) -> Tensor:
    return -sequence_nll(*read(table, pairs)).detach()


def uphill(table: Tensor, pairs: Sequence[tuple[int, Sequence[int]]], weights: Sequence[float] | Tensor) -> Tensor:
    """The direction in which the loop's loss moves the table, not divided by anything."""
    leaf = table.clone().requires_grad_()
    weighted_nll(*read(leaf, pairs), torch.as_tensor(weights, dtype=torch.float64), constant=1.0).backward()
    assert leaf.grad is not None
    return -leaf.grad


def score(table: Tensor, task: int, y: Sequence[int]) -> Tensor:
    """The gradient of log p(y): at each token the indicator less the probabilities."""
    found = torch.zeros_like(table)
    for before, after in zip((START, *y), y, strict=False):
        found[task, before] -= table[task, before].softmax(-1)
        found[task, before, after] += 1
    return found


ALL = [(task, y) for task in range(TASKS) for y in Y]
GOOD = torch.tensor([float(valid(task, y)) for task, y in ALL], dtype=torch.float64)
OF_TASK = torch.tensor([[float(task == one) for task, _ in ALL] for one in range(TASKS)], dtype=torch.float64)


def masses(table: Tensor) -> Tensor:
    """Each trace's task's valid mass, `[traces]`."""
    return ((OF_TASK * (log_p(table, ALL).exp() * GOOD)).sum(-1)) @ OF_TASK


def angle(one: Tensor, other: Tensor) -> float:
    return float((one * other).sum() / (one.norm() * other.norm()))


def traces_of(pairs: Sequence[tuple[int, Sequence[int]]]) -> list[Trace]:
    """As the loop would have kept them: the letters are the steps."""
    return [
        trace(
            f"t{task}",
            "valid" if valid(task, y) else "goal_missed",
            index=index,
            length=len([token for token in y if token != STOP]),
            tokens=len(y),
        )
        for index, (task, y) in enumerate(pairs)
    ]


def weights_of(rule: str, traces: Sequence[Trace]) -> list[float]:
    """In the order of the traces; 0 for those that the rule leaves out."""
    kept = {one.trace.id: one.weight for one in RULES[rule](traces, Random(0))}
    return [kept.get(one.id, 0.0) for one in traces]


def test_every_trace_is_written_down() -> None:
    for seed in range(3):
        assert (OF_TASK @ log_p(policy(seed), ALL).exp()).tolist() == pytest.approx([1, 1], abs=EXACT)


@pytest.mark.parametrize("seed", range(5))
def test_proposition_1_sft_on_valid_is_reinforce(seed: int) -> None:
    """Per valid trace, SFT's gradient on the valid traces of an on-policy sample is REINFORCE's times N / N+."""
    table, rng = policy(seed), Random(seed)
    sample = [
        (task, y)
        for task in range(TASKS)
        for y in rng.choices(Y, log_p(table, [(task, y) for y in Y]).exp().tolist(), k=20)
    ]
    weights = weights_of("valid", traces_of(sample))
    good = sum(weights)
    assert 0 < good < len(sample)
    sft = uphill(table, sample, weights) / good
    reinforce = sum((valid(*one) * score(table, *one) for one in sample), torch.zeros_like(table)) / len(sample)
    assert torch.allclose(sft, reinforce * len(sample) / good, rtol=0, atol=EXACT)
    # In expectation, too: over all traces, the gradient of the valid mass itself, which autograd knows.
    leaf = table.clone().requires_grad_()
    (-sequence_nll(*read(leaf, ALL))).exp().mul(GOOD).sum().backward()
    assert leaf.grad is not None
    assert torch.allclose(uphill(table, ALL, log_p(table, ALL).exp() * GOOD), leaf.grad, rtol=0, atol=EXACT)


@pytest.mark.parametrize("rule", ["reinforce", "reinforce-loo", "group"])
def test_a_baseline_moves_no_expected_gradient_but_by_its_scale(rule: str) -> None:
    """Over all pairs of samples of a task with their probabilities: with a baseline from the other sample, exactly the
    gradient of the valid mass; with the batch's or the group's own mean, half of it, as (n-1)/n says for n = 2; group
    divides by the deviation, which is 1/2 whenever there is one."""
    table, task = policy(1), 0
    p = dict(zip(Y, log_p(table, [(task, y) for y in Y]).exp().tolist(), strict=True))
    expected = torch.zeros_like(table)
    for pair in product(Y, Y):
        sample = [(task, y) for y in pair]
        weights = weights_of(rule, traces_of(sample))
        expected += p[pair[0]] * p[pair[1]] * uphill(table, sample, weights) / 2
    gradient = uphill(table, ALL, log_p(table, ALL).exp() * GOOD * OF_TASK[task])
    factor = {"reinforce": 0.5, "reinforce-loo": 1.0, "group": 1.0}[rule]
    assert torch.allclose(expected, factor * gradient, rtol=0, atol=EXACT)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_proposition_2_needs_its_normalisers(share: float) -> None:
    """SFT on a mixture of the valid traces of the policy and of an older one is REINFORCE with the weights
    share / Z_pi + (1 - share) / Z_beta * beta / pi. Without the valid masses Z it points elsewhere."""
    pi, beta = policy(2), policy(3, 1.5)
    of_pi, of_beta = log_p(pi, ALL).exp(), log_p(beta, ALL).exp()
    z_pi, z_beta = masses(pi), masses(beta)
    assert float((z_pi / z_beta - 1).abs().min()) > 0.1
    mixture = GOOD * (share * of_pi / z_pi + (1 - share) * of_beta / z_beta)
    assert (OF_TASK @ mixture).tolist() == pytest.approx([1, 1], abs=EXACT)
    sft = uphill(pi, ALL, mixture)

    def reinforce(weights: Tensor) -> Tensor:
        terms = (float(w) * score(pi, *one) for w, one in zip(of_pi * GOOD * weights, ALL, strict=True))
        return sum(terms, torch.zeros_like(pi))

    right = reinforce(share / z_pi + (1 - share) / z_beta * of_beta / of_pi)
    assert torch.allclose(sft, right, rtol=0, atol=EXACT)
    wrong = reinforce(share + (1 - share) * of_beta / of_pi)
    assert angle(sft, wrong) < 1 - 1e-3


def test_the_uncorrected_form_holds_where_the_valid_masses_are_one() -> None:
    """Where all masses, of both policies and all tasks, are the same number, the normalisers are a factor."""
    pi, beta = policy(4), policy(5)
    everything = torch.ones_like(GOOD)
    of_pi, of_beta = log_p(pi, ALL).exp(), log_p(beta, ALL).exp()
    weights = 0.4 + 0.6 * of_beta / of_pi
    by_hand = sum(
        (float(w) * score(pi, *one) for w, one in zip(of_pi * everything * weights, ALL, strict=True)),
        torch.zeros_like(pi),
    )
    assert torch.allclose(uphill(pi, ALL, 0.4 * of_pi + 0.6 * of_beta), by_hand, rtol=0, atol=EXACT)


@pytest.mark.parametrize(("ratio", "exact"), [("sequence", True), ("token-mean", False)])
def test_the_sequence_ratio_is_unbiased_and_the_token_mean_is_not(ratio: Ratio, exact: bool) -> None:
    """Valid traces of an older policy with the ratio: the gradient of the new policy's valid mass."""
    pi, beta = policy(6, 0.5), policy(7, 0.5)
    now, then = log_p(pi, ALL), log_p(beta, ALL)
    tokens = torch.tensor([len(y) for _, y in ALL])
    weights = torch.tensor(weights_of("importance", traces_of(ALL)), dtype=torch.float64)
    assert weights.tolist() == GOOD.tolist()
    moved = uphill(pi, ALL, then.exp() * weights * factors(now, then, tokens, weights, ratio, most=1e6))
    gradient = uphill(pi, ALL, now.exp() * GOOD)
    assert torch.allclose(moved, gradient, rtol=0, atol=EXACT) == exact
    assert angle(moved, gradient) > 0.5


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_what_shortest_rewards_beside_validity(samples: int) -> None:
    """The implied reward of `shortest` with G samples a task, by enumeration of all that can be drawn: the expected
    weight of a trace over its probability. With s the mass of valid traces shorter than y, m that of y's own length:
    ((1-s)^G - (1-s-m)^G) / m. So shorter plans earn more, and a task is worth 1 - (1-Z)^G; `valid` gives each valid
    trace G, whatever its length."""
    table, task = policy(8), 0
    p = dict(zip(Y, log_p(table, [(task, y) for y in Y]).exp().tolist(), strict=True))
    implied = {rule: dict.fromkeys(Y, 0.0) for rule in ("shortest", "valid")}
    for drawn in product(Y, repeat=samples):
        chance = math.prod(p[y] for y in drawn)
        traces = traces_of([(task, y) for y in drawn])
        for rule, of in implied.items():
            for y, weight in zip(drawn, weights_of(rule, traces), strict=True):
                of[y] += chance * weight / p[y]
    steps = {y: len([token for token in y if token != STOP]) for y in Y}
    for y in Y:
        shorter = sum(p[one] for one in Y if valid(task, one) and steps[one] < steps[y])
        equal = sum(p[one] for one in Y if valid(task, one) and steps[one] == steps[y])
        wanted = ((1 - shorter) ** samples - (1 - shorter - equal) ** samples) / equal if valid(task, y) else 0
        assert implied["shortest"][y] == pytest.approx(wanted, abs=EXACT)
        assert implied["valid"][y] == pytest.approx(samples * valid(task, y), abs=EXACT)
    mass = sum(p[y] for y in Y if valid(task, y))
    total = sum(p[y] * implied["shortest"][y] for y in Y)
    assert total == pytest.approx(1 - (1 - mass) ** samples, abs=EXACT)
    by_steps = {steps[y]: implied["shortest"][y] for y in Y if valid(task, y)}
    if samples > 1:
        assert [by_steps[one] for one in sorted(by_steps)] == sorted(by_steps.values(), reverse=True)


def test_a_tapered_push_ends_where_a_plain_one_does_not() -> None:
    """Gradient descent on one bad trace, plain and tapered: log p goes down by a bounded slope, or ever on."""
    bad = [(0, (1, STOP))]
    weight = torch.tensor([-1.0], dtype=torch.float64)
    then = log_p(policy(9), bad)
    ends: dict[Ratio, float] = {}
    for ratio in ("none", "taper"):
        table = policy(9)
        for _ in range(2_000):
            factor = factors(log_p(table, bad), then, torch.tensor([2]), weight, ratio)
            table += 0.5 * uphill(table, bad, weight * factor)
        ends[ratio] = float(log_p(table, bad))
    assert ends["none"] < -500
    assert -15 < ends["taper"] < float(then) - 2


def test_ratios_are_clamped_and_constant() -> None:
    now = torch.tensor([5.0, -900.0, 900.0, 0.0], requires_grad=True)
    then, tokens = torch.zeros(4), torch.tensor([5, 3, 3, 3])
    ones = torch.ones(4)
    found = factors(now, then, tokens, ones, "sequence")
    assert not found.requires_grad
    assert found.tolist() == pytest.approx([16, 0, 16, 1])
    assert factors(now, then, tokens, ones, "token-mean").tolist() == pytest.approx([math.e, 0, 16, 1])
    assert factors(now, then, tokens, ones, "taper").tolist() == [1, 1, 1, 1]
    assert factors(now, then, tokens, -ones, "taper").tolist() == pytest.approx([1, 0, 1, 1])
