"""A whole study in small: cell by cell, resumed, by one process or two, by the command, with its page."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from planbench.bias import cell
from planbench.bias import study as module
from planbench.bias.config import BiasConfig
from planbench.bias.nets import Net
from planbench.bias.pairs import Pair
from planbench.bias.study import key_of, study
from planbench.bias.toy import toy_pairs
from planbench.cli.bias import command
from planbench.cli.bias_run import show
from planbench.errors import InputError, RunFolderError
from planbench.records.bias import CELLS, BiasResults, CellLine, PairResult
from planbench.records.files import BIAS, read_lines

CONFIG = BiasConfig(
    suite="toy",
    pairs=("contains-1|contains-2", "prefix-dup|contains-2", "contains-1|prefix-dup"),
    models=("lstm",),
    arms=("supervised", "deployment"),
    seeds=(0,),
    rates=(0.0, 0.5),
    examples=96,
    probe_examples=40,
    epochs=1,
    probe_epochs=1,
    tested=20,
    batch=32,
    width=8,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BiasResults]:
    folder = tmp_path_factory.mktemp("bias")
    return folder, study(CONFIG, folder)


def stored(folder: Path) -> dict[str, str]:
    return {
        str(key_of(line.cell)): line.cell.model_dump_json(exclude={"seconds"})
        for line in read_lines(folder / CELLS, CellLine)
    }


def test_a_study_has_a_cell_for_everything(finished: tuple[Path, BiasResults]) -> None:
    folder, results = finished
    assert len(stored(folder)) == 3 * 3
    assert set(results.arms) == {"supervised/lstm", "deployment/lstm"}
    for arm in results.arms.values():
        assert len(arm.pairs) + len(arm.dropped) == 3
        assert arm.seeds == 1


def test_a_stopped_study_goes_on_to_the_same_cells(finished: tuple[Path, BiasResults], tmp_path: Path) -> None:
    whole = (finished[0] / CELLS).read_bytes()
    lines = whole.splitlines(keepends=True)
    (tmp_path / CELLS).write_bytes(b"".join(lines[:5]) + lines[5][:40])  # a kill in the middle of a line
    asked: list[float] = []
    study(CONFIG, tmp_path, lambda done, total, note: asked.append(done))
    assert min(asked) == 5
    assert stored(tmp_path) == stored(finished[0])


def test_two_processes_measure_what_one_does(finished: tuple[Path, BiasResults], tmp_path: Path) -> None:
    lines = (finished[0] / CELLS).read_bytes().splitlines(keepends=True)
    (tmp_path / CELLS).write_bytes(b"".join(lines[:7]))
    study(CONFIG, tmp_path, processes=2)
    assert stored(tmp_path) == stored(finished[0])


def test_more_seeds_join_and_other_sizes_are_refused(
    finished: tuple[Path, BiasResults], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = finished
    with pytest.raises(RunFolderError, match="examples 96, not 128"):
        study(CONFIG.model_copy(update={"examples": 128}), folder)
    measured: list[int] = []
    # A run that began before there was such a setting had its default.
    record = json.loads((folder / BIAS).read_text())
    del record["config"]["probe_steps"]
    (folder / BIAS).write_text(json.dumps(record))

    def stop(config: BiasConfig, key: module.Key, tick: object = None) -> None:
        measured.append(key.seed)
        raise InterruptedError

    monkeypatch.setattr(module, "measure", stop)
    with pytest.raises(InterruptedError):
        study(CONFIG.model_copy(update={"seeds": (0, 1)}), folder)
    assert measured == [1]


def test_what_was_asked_for_before_stays_in_the_results(finished: tuple[Path, BiasResults], tmp_path: Path) -> None:
    for name in (BIAS, CELLS):
        (tmp_path / name).write_bytes((finished[0] / name).read_bytes())
    more = study(CONFIG.model_copy(update={"arms": ("group",), "pairs": CONFIG.pairs[:1]}), tmp_path)
    assert list(more.arms) == ["supervised/lstm", "deployment/lstm", "group/lstm"]
    for arm in ("supervised/lstm", "deployment/lstm"):
        assert more.arms[arm] == finished[1].arms[arm]
    # Of a cell that is there twice, the first counts.
    with (tmp_path / CELLS).open("ab") as file:
        file.write((finished[0] / CELLS).read_bytes())
    again = study(CONFIG, tmp_path)
    assert again.arms == more.arms
    assert json.loads((tmp_path / BIAS).read_text())["config"]["arms"] == ["supervised", "deployment", "group"]

    record = json.loads((tmp_path / BIAS).read_text())
    (tmp_path / BIAS).write_text(json.dumps(record | {"prompts": record["prompts"] - 1}))
    with pytest.raises(RunFolderError, match="prompts of another version"):
        study(CONFIG, tmp_path)


def test_rates_asked_for_one_by_one_are_those_asked_for_together(
    finished: tuple[Path, BiasResults], tmp_path: Path
) -> None:
    """So that a training of hours can be had in parts: the later rate comes first here."""
    few = {"pairs": CONFIG.pairs[:1], "arms": CONFIG.arms[:1]}
    part = study(CONFIG.model_copy(update={**few, "rates": (0.5,)}), tmp_path)
    assert part.finished
    told: list[tuple[float, float]] = []
    whole = study(
        CONFIG.model_copy(update={**few, "rates": (0.0,)}),
        tmp_path,
        lambda done, total, note: told.append((done, total)),
    )
    assert told[0] == (1, 2)
    assert told[-1] == (2, 2)
    assert whole.finished
    assert whole.rates == CONFIG.rates
    lines = [line.cell for line in read_lines(tmp_path / CELLS, CellLine)]
    assert [cell.rates for cell in lines if cell.kind == "training"] == [(0.5,), (0.0,)]

    def of(results: BiasResults) -> PairResult:
        arm = results.arms["supervised/lstm"]
        return next(pair for pair in (*arm.pairs, *arm.dropped_pairs) if pair.pair == CONFIG.pairs[0])

    alone, together = of(whole), of(finished[1])
    assert alone.sections == together.sections
    assert alone.relative == together.relative


def test_a_training_that_leads_nowhere_leaves_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(net: Net, *rest: object) -> None:
        next(net.parameters()).data.fill_(float("inf"))

    monkeypatch.setitem(cell.ARMS, "supervised", broken)
    with pytest.raises(InputError, match="smaller learning rate"):
        study(CONFIG.model_copy(update={"pairs": CONFIG.pairs[:1]}), tmp_path)
    assert [key.split(",")[0] for key in stored(tmp_path)] == ["extraction"]


@pytest.fixture(scope="module")
def shown(finished: tuple[Path, BiasResults]) -> tuple[Path, str, str]:
    """The folder, tables and JSON of the command on a finished run: nothing is measured again."""
    folder, _ = finished
    arguments = [
        f"--{name}={','.join(map(str, getattr(CONFIG, name)))}" for name in ("pairs", "models", "arms", "seeds")
    ]
    sizes = ("probe_examples", "probe_epochs", "tested", "batch", "width")
    arguments += [f"--set={name}={getattr(CONFIG, name)}" for name in sizes]
    arguments += ["--set=passes=5", "--rates=0,.5", "--examples=96", "--epochs=1", f"--out={folder}"]
    printed = [
        CliRunner().invoke(command, [*arguments, *more], catch_exceptions=False, standalone_mode=False)
        for more in ([], ["--json"])
    ]
    return folder, printed[0].stdout, printed[1].stdout


def test_the_command_shows_tables_and_json(shown: tuple[Path, str, str]) -> None:
    folder, tables, text = shown
    assert "supervised/lstm" in tables
    assert "prefix-dup|contains-2" in tables
    there = json.loads((folder / "results.json").read_text())
    assert json.loads(text) == there
    for arm in there["arms"].values():
        assert {"spearman", "p", "ci", "seeds", "pairs", "dropped"} <= arm.keys()
        for dropped in arm["dropped"]:
            assert dropped["pair"] in tables
            assert dropped["why"] in " ".join(tables.split())


def test_figures_are_readable_in_print(shown: tuple[Path, str, str]) -> None:
    """No text under 8 points; every figure is a file that says what it shows."""
    files = sorted((shown[0] / "figures").glob("*.svg"))
    assert len(files) >= 4
    for file in files:
        text = file.read_text()
        root = ElementTree.fromstring(text)
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)', text)]
        # Panels are 340 units wide, and a unit is a point.
        assert min(sizes) >= 8
        assert len(sizes) == len(list(root.iter("{http://www.w3.org/2000/svg}text")))
        assert "suite toy" in text
        assert ("MDL(s)/MDL(t) above 8" in text) == (not file.stem.startswith("correlations"))
        assert root.get("width") == "340pt"
        assert "var(--" not in text


def test_the_page_asks_nothing_of_the_network(shown: tuple[Path, str, str]) -> None:
    page = (shown[0] / "report.html").read_text()
    assert page.count("<svg") >= 4
    assert "http-equiv" in page
    assert not re.search(r'(?:src|href)="http', page)


COMMITTED = sorted((Path(__file__).parents[2] / "experiments" / "bias").glob("*.toml"))


@pytest.mark.parametrize("file", COMMITTED, ids=lambda file: file.stem)
def test_committed_configurations_can_be_run(file: Path) -> None:
    from planbench.cli.group import CommandLine

    arguments = ["bias", "--config", str(file), "--dry-run", "--json"]
    done = CliRunner().invoke(CommandLine(), arguments, catch_exceptions=False)
    assert done.exit_code == 0
    written = tomllib.loads(file.read_text())["bias"]
    settled = json.loads(done.stdout)["config"]
    assert settled["examples"] == written["examples"]
    for name, value in written["set"].items():
        assert settled[name] == value


def nothing(config: object) -> list[object]:
    return []


def twins(config: object) -> list[Pair]:
    return toy_pairs(12, 6)[:1] * 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--suite", "toys"], "no suite 'toys'"),
        (["--pairs", "contains-9|contains-2"], "no pair 'contains-9|contains-2'"),
        (["--models", "gru"], "no model 'gru'"),
        (["--arms", "dpo"], "no arm 'dpo'"),
        (["--set", "widht=3"], "no setting 'widht'"),
        (["--rates", "0,.7"], "rates"),
        (["--rates", "0,.001", "--examples", "96"], "a rate of 0.001 of 96 examples is none"),
        (["--rates", ","], "--rates ',' names nothing"),
        (["--seeds=-1"], "seeds"),
        (["--seeds", "0,1,0"], "0 is named twice"),
        (["--pairs", "contains-1|contains-2,contains-1|contains-2"], "is named twice"),
        (["--set", "decoder_width=30"], "cannot be shared by 4 heads"),
        (["--set", "lr=inf"], "lr"),
        (["--suite", ":f"], "cannot be imported"),
        (["--suite", "os:getcwd"], "is no function of a configuration"),
        (["--suite", "tests.bias.test_study:nothing"], "gives no pairs"),
        (["--seeds", "a"], "seeds"),
        (["--suite", "cruz", "--set", "vocabulary=30"], "on ten digits"),
        (["--suite", "tests.bias.test_study:twins"], "two pairs of one name"),
        (["--suite", "nowhere.at:all"], "cannot be imported"),
        (["--suite", "sentiment", "--set", "polcy=x"], "setting 'polcy'"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(arguments: list[str], says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        CliRunner().invoke(command, [*arguments, "--dry-run"], catch_exceptions=False, standalone_mode=False)
    assert "\n" not in str(caught.value)


def test_a_further_rate_for_some_cells_takes_nothing_away(finished: tuple[Path, BiasResults], tmp_path: Path) -> None:
    for name in (BIAS, CELLS):
        (tmp_path / name).write_bytes((finished[0] / name).read_bytes())
    part = {"pairs": CONFIG.pairs[:1], "arms": CONFIG.arms[:1], "rates": (0.2,)}
    few = study(CONFIG.model_copy(update=part), tmp_path)
    assert not few.finished
    assert few.rates == (0.2,)
    again = study(CONFIG, tmp_path)
    assert again.rates == CONFIG.rates
    assert again.arms == finished[1].arms


@pytest.mark.parametrize(("name", "whose"), [("run.json", "eval"), ("iterate.json", "iterate")])
def test_a_folder_of_another_command_is_left_alone(name: str, whose: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(RunFolderError, match=f"holds a run of planbench {whose}"):
        study(CONFIG, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_report_and_eval_know_a_bias_run(finished: tuple[Path, BiasResults]) -> None:
    from planbench.cli.group import CommandLine

    for arguments, says in (
        (["report", str(finished[0])], "given again, shows it"),
        (["eval", "random", "--limit", "1", "--out", str(finished[0])], "holds a run of planbench bias"),
    ):
        with pytest.raises(InputError, match=says):
            CliRunner().invoke(CommandLine(), arguments, catch_exceptions=False, standalone_mode=False)


def test_figures_of_others_stay(finished: tuple[Path, BiasResults], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    for name in ("mine.svg", "scatter-9.svg"):
        (tmp_path / "figures" / name).write_text("<svg/>")
    show(finished[1], tmp_path, as_json=True)
    left = {path.name for path in (tmp_path / "figures").iterdir()}
    assert "mine.svg" in left
    assert "scatter-0.svg" in left
    assert "scatter-9.svg" not in left


@pytest.mark.parametrize(
    ("name", "value"),
    [("seeds", 5), ("rates", ["x"]), ("rates", [0.9]), ("models", [1]), ("seeds", [-1]), ("no such", 1)],
)
def test_a_record_of_settings_that_are_none_is_refused_in_a_line(
    name: str, value: object, finished: tuple[Path, BiasResults], tmp_path: Path
) -> None:
    record = json.loads((finished[0] / BIAS).read_text())
    (tmp_path / BIAS).write_text(json.dumps(record | {"config": record["config"] | {name: value}}))
    with pytest.raises(RunFolderError, match=f"config.{name}") as caught:
        study(CONFIG, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("extraction", {"target_bits": []}),
        ("extraction", {"blocks": [1], "target_bits": [0], "spurious_bits": [1]}),
        ("extraction", {"target_bits": [float("nan")]}),
        ("extraction", {"target_accuracy": 2}),
        ("training", {"scores": {}}),
        ("training", {"rates": [0.5, 0]}),
        ("training", {"rates": [0.5]}),
        ("training", {"scores": {name: [0, 1e308] for name in ("both", "neither", "s-only", "t-only")}}),
    ],
)
def test_a_cell_that_cannot_be_is_refused_in_a_line(
    kind: str, fault: dict[str, object], finished: tuple[Path, BiasResults], tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in (finished[0] / CELLS).read_text().splitlines()]
    at = next(place for place, line in enumerate(lines) if line["cell"]["kind"] == kind)
    lines[at]["cell"] |= fault
    (tmp_path / BIAS).write_bytes((finished[0] / BIAS).read_bytes())
    (tmp_path / CELLS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(RunFolderError, match=rf"cells.jsonl.*{at + 1}") as caught:
        study(CONFIG, tmp_path)
    assert "\n" not in str(caught.value)
