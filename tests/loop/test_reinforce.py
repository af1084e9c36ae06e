"""The rules of reinforcement learning, from traces to weights, and through the whole loop."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given

from planbench.cli import main
from planbench.errors import InputError
from planbench.loop.advantages import group, importance, reinforce, reinforce_loo
from planbench.loop.answers import Kept, fold
from planbench.loop.budget import spent
from planbench.loop.config import IterateConfig, SamplingConfig
from planbench.loop.features import features, look_of, style
from planbench.loop.implicit import implicit_rewards
from planbench.loop.layout import Place
from planbench.loop.likelihood import log_probabilities
from planbench.loop.scoring import behaviours_of, fixed_traces, pool_traces
from planbench.metrics.paired import student
from planbench.metrics.regression import clustered
from planbench.records.files import RunFolder, read_lines
from planbench.records.iterate import Generation, IterateSummary
from planbench.records.likelihood import Likelihood
from planbench.records.outcomes import Likely, Outcomes
from planbench.records.sample import Sample
from planbench.records.trace import Trace
from tests.loop.timeless import timeless
from tests.loop.traces import trace, traces
from tests.metrics.samples import sample


@given(traces())
def test_advantages_are_their_formulae(given_: list[Trace]) -> None:
    judged = [one for one in given_ if one.verdict != "harness_error"]
    newest = [one for one in judged if one.generation == max(one.generation for one in judged)]
    reward = {one.id: float(one.verdict == "valid") for one in newest}
    tasks: dict[str, list[Trace]] = {}
    for one in newest:
        tasks.setdefault(one.task_hash, []).append(one)
    wanted: dict[str, dict[str, float]] = {"reinforce": {}, "loo": {}, "group": {}}
    for members in tasks.values():
        rewards = np.array([reward[one.id] for one in members])
        for number, one in enumerate(members):
            wanted["reinforce"][one.id] = reward[one.id] - sum(reward.values()) / len(reward)
            if len(members) > 1:
                wanted["loo"][one.id] = reward[one.id] - float(np.delete(rewards, number).mean())
                if rewards.std() > 0:
                    wanted["group"][one.id] = float((reward[one.id] - rewards.mean()) / rewards.std())
    for name, rule in (("reinforce", reinforce), ("loo", reinforce_loo), ("group", group)):
        found = {one.trace.id: one.weight for one in rule(given_, Random(0))}
        assert found == pytest.approx({key: value for key, value in wanted[name].items() if abs(value) > 1e-12})
        assert sum(found.values()) == pytest.approx(0, abs=1e-9)
    assert {one.trace.id for one in importance(given_, Random(0))} == {one.id for one in judged if one.valid}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arms": ("group-init-base",)}, "trains the model that sampled"),
        ({"arms": ("importance",), "sampling": SamplingConfig(temperature=0.6)}, "temperature 1, top-p 1"),
        ({"arms": ("reinforce",), "sampling": SamplingConfig(top_p=0.9)}, "temperature 1, top-p 1"),
        ({"arms": ("group",), "sampling": SamplingConfig(samples=1)}, "compares the samples of a task"),
    ],
    ids=["base", "temperature", "top-p", "one sample"],
)
def test_runs_with_nothing_to_compare_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        IterateConfig.model_validate(changes).chosen_arms()


SMALL = ["iterate", "tiny", "--tasks", "40", "--samples", "4", "--pool-length", "2:8", "--held-out", "4"]
SMALL += ["--longer", "0", "--arms", "valid,group,importance", "--generations", "2"]
SMALL += ["--updates-per-generation", "2", "--implicit-reward", "--match", "compute"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rl") / "run"
    assert main([*SMALL, "--out", str(folder)]) == 0
    return folder


def summary_of(run: Path) -> IterateSummary:
    return IterateSummary.model_validate_json((run / "summary.json").read_bytes())


def test_every_rule_goes_through_the_loop(run: Path) -> None:
    summary = summary_of(run)
    assert summary.finished
    assert not summary.ended
    for arm, rows in summary.arms.items():
        assert [row.training.steps for row in rows if row.training] == [2] * (len(rows) - 1), arm
        # Each trace is read once in an update's worth of batches, and a few again to fill the last batch.
        for row in rows[1:]:
            assert row.curated is not None
            config = json.loads((run / f"seed-0/{arm}/gen-{rows[-1].generation}/checkpoint/finetune.json").read_bytes())
            assert config["config"]["warmup"] == 0
            assert config["config"]["floor"] == 1
    assert all(row.curated is None or row.curated.weight == pytest.approx(0, abs=1e-9) for row in summary.arms["group"])
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "What each arm cost and came to" in page


def test_arms_cost_the_same_up_to_half_a_generation(run: Path) -> None:
    arms = summary_of(run).arms
    costs = {arm: [row.spent.compute for row in rows if row.spent] for arm, rows in arms.items()}
    budget = costs["valid"][2]
    for arm, of in costs.items():
        assert of[-1] + (of[-1] - of[-2]) / 2 >= budget
        if arm != "importance":  # whose trainings grow with the traces of all generations, so that the last costs more
            assert abs(of[-1] - budget) <= (of[-1] - of[-2]) / 2 + budget / 10
        assert of[-2] + (of[-2] - of[-3] if len(of) > 2 else 0) / 2 < budget
    # What another arm scored of the generation 0 that all share is no cost of one that scores nothing.
    assert not Place(run, "valid", 0, 1).likelihood.is_file()
    zero, one = Place(run, "valid", 0, 0), Place(run, "valid", 0, 1)
    asked = RunFolder(zero.answers("pool")).samples()
    assert costs["valid"][1] == pytest.approx(
        sum((line.prompt_tokens or 0) + (line.completion_tokens or 0) for line in asked)
        + 3 * json.loads(one.training.read_bytes())["tokens"],
        abs=1,
    )
    # By hand, from the files: what was read and sampled once, scored once, trained on four times.
    places = [Place(run, "group", 0, number) for number in range(2)]
    samples = list(pool_traces(places[0]))
    lines = [json.loads(line) for line in (places[0].answers("pool") / "samples.jsonl").open(encoding="utf-8")]
    scored = sum(line.read for line in read_lines(places[0].likelihood, Likelihood))
    trained = json.loads(places[1].training.read_bytes())["tokens"]
    read = sum(line["prompt_tokens"] + line["completion_tokens"] for line in lines)
    assert spent(places).compute == pytest.approx(read + scored + 4 * trained, abs=1)
    assert spent(places).tokens == sum(one.tokens or 0 for one in samples)


def test_one_run_is_read_at_several_budgets(run: Path, tmp_path: Path) -> None:
    """Matched by tokens, then by compute in the same folder: what a run that was matched so from the start comes to."""
    folder = tmp_path / "run"
    lengths: dict[str, dict[str, int]] = {}
    for match in ("tokens", "compute", "tokens"):
        assert main([*SMALL[:-1], match, "--keep", "all", "--out", str(folder)]) == 0
        found = summary_of(folder)
        assert found.config["match"] == match
        now = {arm: len(rows) for arm, rows in found.arms.items()}
        assert lengths.setdefault(match, now) == now
        if match == "compute":
            assert timeless(folder / "summary.json") == timeless(run / "summary.json")
    assert lengths["tokens"] != lengths["compute"]


def test_a_likelihood_is_that_of_the_reply_among_all(run: Path) -> None:
    """Of replies sampled at temperature 1, the share of one is about what the model says it is."""
    place = Place(run, "group", 0, 0)
    nats, drawn = behaviours_of([place]), pool_traces(place)
    assert set(nats) == {one.id for one in drawn}
    assert all(value <= 0 for value in nats.values())
    alike: dict[tuple[str, str], set[float]] = {}
    for one in drawn:
        alike.setdefault((one.task_hash, one.reply), set()).add(round(nats[one.id], 4))
    assert all(len(values) == 1 for values in alike.values())
    # Expected against found: how many of 4 samples a task are each reply that came up, over the likely ones.
    counts = Counter((one.task_hash, one.reply) for one in drawn)
    likely = {key: math.exp(next(iter(values))) for key, values in alike.items() if min(values) > math.log(0.5)}
    assert sum(counts[key] for key in likely) / 4 == pytest.approx(sum(likely.values()), rel=0.25)
    totals: dict[str, float] = {}
    for (task, _), values in alike.items():
        totals[task] = totals.get(task, 0) + math.exp(next(iter(values)))
    assert max(totals.values()) <= 1 + 1e-4


def test_the_implicit_reward_is_regressed_on_the_same_traces_everywhere(run: Path) -> None:
    summary = summary_of(run)
    first = Place(run, "valid", 0, 0)
    fixed = fixed_traces(pool_traces(first), 0)
    assert len({(one.task_hash, one.reply) for one in fixed}) == len(fixed)
    for arm, rows in summary.arms.items():
        last = rows[-1].generation
        zero, end = (
            {line.trace: line.nats for line in read_lines(Place(run, arm, 0, number).fixed, Likelihood)}
            for number in (0, last)
        )
        assert set(zero) == set(end) == {one.id for one in fixed}
        ratios = np.array([end[one.id] - zero[one.id] for one in fixed])
        reward = next(one for one in summary.implicit_reward if (one.arm, one.first, one.last) == (arm, 0, last))
        good = np.array([one.valid for one in fixed])
        assert reward.mean_valid == pytest.approx(ratios[good].mean())
        assert reward.mean_invalid == pytest.approx(ratios[~good].mean())
        steps = [one for one in summary.implicit_reward if one.arm == arm and one.last - one.first == 1]
        assert sum(one.mean_valid or 0 for one in steps) == pytest.approx(reward.mean_valid)


def test_a_lost_score_is_made_again_and_nothing_else(run: Path) -> None:
    """As after a kill between two phases: the file was not there yet."""
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.jsonl")}
    lost = [Place(run, "group", 0, 0).likelihood, Place(run, "group", 0, 0).fixed]
    held = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    assert main([*SMALL, "--out", str(run)]) == 0
    assert [path.read_bytes() for path in lost] == held
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*.jsonl")}
    assert {path for path in before if before[path] != after[path]} == set(lost)


def test_an_implicit_reward_is_recovered() -> None:
    """Log-ratios made as 3 for a valid plan, -0.2 a step and -0.1 a token, with a constant for each task. A step takes
    three tokens in a valid plan, so one more of them costs -0.5, and what goes beyond that -0.1 a token."""
    rng = Random(0)
    made: list[Trace] = []
    for task in range(40):
        for index in range(6):
            verdict = rng.choice(["valid", "goal_missed", "inapplicable"])
            length = rng.randint(1, 9)
            tokens = 3 * length if verdict == "valid" else rng.randint(5, 30)
            made.append(trace(f"t{task}", verdict, index=index, length=length, tokens=tokens))
    names, x = features([look_of(one) for one in made])
    constant = {task: rng.gauss(0, 5) for task in {one.task_hash for one in made}}
    y = np.array(
        [constant[one.task_hash] + 3 * one.valid - 0.2 * (one.length or 0) - 0.1 * (one.tokens or 0) for one in made]
    )
    tasks = [int(one.task_hash[1:]) for one in made]
    found = clustered(x, y, tasks, tasks)
    assert found is not None
    told = {names[column]: value for column, value in zip(found.columns, found.coefficients, strict=True)}
    assert told["valid"] == pytest.approx(3)
    assert told["steps"] == pytest.approx(-0.5)
    assert told["extra tokens"] == pytest.approx(-0.1)
    assert found.r_squared == pytest.approx(1)


def test_each_seed_has_an_implicit_reward_of_its_own(run: Path) -> None:
    """Three seeds that reward a valid plan with 2, 3 and 7, and only the first of which ever says what is no plan."""
    rng, kept, rows = Random(1), dict[int, Outcomes](), list[Generation]()
    for seed, reward in enumerate((2.0, 3.0, 7.0)):
        kinds = ["valid", "goal_missed", "inapplicable", "inapplicable", *(["no_plan"] if seed == 0 else [])]
        made = [trace(f"t{task}", rng.choice(kinds), index=index) for task in range(30) for index in range(6)]
        constant = {one.task_hash: rng.gauss(0, 5) for one in made}
        likely: dict[int, list[float | None]] = {
            0: [0.0] * len(made),
            1: [constant[one.task_hash] + reward * one.valid for one in made],
        }
        kept[seed] = Outcomes(
            seed=seed,
            lengths={},
            deployed=[],
            looks=[look_of(one) for one in made],
            likely=[Likely(arm="valid", generation=number, nats=nats) for number, nats in likely.items()],
        )
        rows += [row.model_copy(update={"seed": seed}) for row in summary_of(run).arms["valid"][:2]]
    (found,) = implicit_rewards({"valid": rows}, run, Kept(kept))
    told = {one.feature: one for one in found.within}
    assert told["valid"].by_seed == pytest.approx((2, 3, 7))
    assert told["valid"].coefficient == pytest.approx(4)
    assert told["valid"].ci == pytest.approx(student([2, 3, 7])[1])
    assert told["verdict goal_missed (not inapplicable)"].coefficient == pytest.approx(0, abs=1e-9)
    assert "verdict no_plan (not inapplicable)" in found.constant
    assert found.seeds == 3


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("pick-up b1 stack b1 b2", "plain"),
        ("(pick-up b1)\n(stack b1 b2)", "PDDL"),
        ("Here it is:\n```\n(pick-up b1)\n```", "fenced"),
        ("1. pick up b1\n2. stack it", "numbered"),
        ('["(pick-up b1)"]', "json"),
        (" \n", "nothing"),
    ],
)
def test_styles(reply: str, wanted: str) -> None:
    assert style(reply) == wanted


def test_diversity_counts_pairs_of_valid_plans_of_a_task() -> None:
    def of(task: str, index: int, plan: tuple[str, ...], verdict: str = "valid") -> Sample:
        return sample(task, verdict, index=index).model_copy(update={"plan": plan})

    one, two = ("(a)",), ("(b)",)
    told = [of("x", 0, one), of("x", 1, one), of("x", 2, two), of("y", 0, one), of("y", 1, two, "goal_missed")]
    # Three pairs, two of which differ; task y has one valid plan, and no pair.
    assert fold(told).diversity == pytest.approx(2 / 3)
    assert fold([]).diversity is None


def test_log_probabilities_do_not_depend_on_the_batch(run: Path) -> None:
    from planbench.loop.examples import TrainExample

    rng = Random(1)
    examples = [
        TrainExample(
            tuple(rng.choices(range(1, 40), k=rng.randint(3, 9))),
            tuple(rng.choices(range(1, 40), k=rng.randint(1, 7))),
            1.0,
            "t",
        )
        for _ in range(9)
    ]
    last = summary_of(run).arms["group"][-1].generation
    checkpoint = run / f"seed-0/group/gen-{last}/checkpoint"
    together = log_probabilities(checkpoint, examples)
    alone = log_probabilities(checkpoint, examples, batch=1)
    assert together == pytest.approx(alone, abs=1e-3)
