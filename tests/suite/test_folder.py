"""Tasks read from folders: ours as written, other people's layouts, and folders that hold no set."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from planbench.core.verdict import plan_text
from planbench.errors import InputError
from planbench.paths import domains_dir
from planbench.records import Task
from planbench.suite import domain_info, generate, read_folder, read_problem_file

DOMAIN = domains_dir() / "blocksworld" / "domain.pddl"


@pytest.fixture
def tasks() -> list[Task]:
    return generate("blocksworld", 12, seed=4)


@pytest.fixture
def folder(tmp_path: Path, tasks: list[Task]) -> Path:
    """Twelve problems with their plans, p1 to p12, and their domain, in a folder of its own name."""
    made = tmp_path / "towers"
    made.mkdir()
    shutil.copy(DOMAIN, made / "domain.pddl")
    for number, task in enumerate(tasks, start=1):
        assert task.reference is not None
        (made / f"p{number}.pddl").write_text(task.problem_pddl)
        (made / f"p{number}.plan").write_text(plan_text(task.reference.steps))
    return made


def refused(folder: Path, domain_file: Path | None = None) -> str:
    with pytest.raises(InputError) as error:
        read_folder(folder, domain_file)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value) or str(domain_file) in str(error.value)
    return str(error.value)


def test_a_set_as_written_is_read_whole_and_in_order(folder: Path, tasks: list[Task]) -> None:
    read = read_folder(folder)
    assert [task.id for task in read] == [f"p{number}" for number in range(1, 13)]
    assert [task.hash for task in read] == [task.hash for task in tasks]
    for one, other in zip(read, tasks, strict=True):
        assert one.domain == "towers"
        assert one.domain_toml == domain_info("blocksworld").toml
        assert one.reference is not None
        assert other.reference is not None
        assert one.reference.steps == other.reference.steps
        assert not one.reference.optimal


def test_a_problem_without_a_plan_has_no_reference(folder: Path) -> None:
    (folder / "p3.plan").unlink()
    assert [task.id for task in read_folder(folder) if task.reference is None] == ["p3"]


def test_problems_with_their_domain_elsewhere(folder: Path) -> None:
    (folder / "domain.pddl").unlink()
    assert "--domain" in refused(folder)
    read = read_folder(folder, DOMAIN)
    assert len(read) == 12
    assert {task.domain for task in read} == {"blocksworld"}
    assert {task.domain_toml for task in read} == {domain_info("blocksworld").toml}


def test_a_domain_file_by_any_name_gives_its_name(folder: Path) -> None:
    """PlanBench calls the file of each of its domains generated_domain.pddl, so what it is called in PDDL counts."""
    text = (folder / "domain.pddl").read_text().replace("(domain blocksworld)", "(domain Four-Ops)")
    (folder / "domain.pddl").unlink()
    (folder / "generated_domain.pddl").write_text(text)
    read = read_folder(folder, folder / "generated_domain.pddl")
    assert len(read) == 12
    assert {task.domain for task in read} == {"four-ops"}


def test_a_link_to_a_domain_is_named_after_the_folder_that_it_lies_in(folder: Path, tmp_path: Path) -> None:
    (folder / "domain.pddl").rename(tmp_path / "domain.pddl")
    (folder / "domain.pddl").symlink_to(tmp_path / "domain.pddl")
    assert {task.domain for task in read_folder(folder)} == {"towers"}
    (tmp_path / "alias").symlink_to(folder)
    assert {task.domain for task in read_folder(tmp_path / "alias")} == {"towers"}


def test_domain_files_among_the_problems_are_no_problems(folder: Path) -> None:
    """As in collections that keep a domain a problem."""
    text = "; (define (problem of a comment)\n" + DOMAIN.read_text().replace("(define", "( DEFINE", 1)
    (folder / "p1-domain.pddl").write_text(text)
    assert len(read_folder(folder)) == 12


def test_a_wording_beside_the_domain_is_taken(folder: Path) -> None:
    (folder / "domain.toml").write_text('title = "Towers"\n')
    assert {task.domain_toml for task in read_folder(folder)} == {'title = "Towers"\n'}


def test_a_domain_of_ones_own_has_no_wording(folder: Path) -> None:
    (folder / "domain.pddl").write_text(DOMAIN.read_text().replace("handempty", "armempty"))
    assert {task.domain_toml for task in read_folder(folder)} == {""}


def test_folders_without_a_set_are_refused(folder: Path, tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere")
    assert "a file, not a folder" in refused(folder / "p1.pddl")
    (tmp_path / "empty").mkdir()
    assert "no domain.pddl" in refused(tmp_path / "empty")
    assert "no problem files" in refused(tmp_path / "empty", DOMAIN)
    assert "no domain.pddl" in refused(folder, tmp_path / "none.pddl")


def test_files_that_are_no_text_are_refused_by_name(folder: Path) -> None:
    (folder / "p5.pddl").write_bytes(b"(define \xff")
    assert "p5.pddl: not UTF-8 text (byte 8)" in refused(folder)
    (folder / "p5.pddl").unlink()
    (folder / "p5.pddl").mkdir()
    assert "p5.pddl" in refused(folder)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_only_regular_files_are_read(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "p0.pddl")
    assert "p0.pddl: no regular file" in refused(folder)
    with pytest.raises(InputError):
        read_problem_file(folder / "p0.pddl", DOMAIN)


def test_a_file_is_read_up_to_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planbench.suite.folder.MAX_BYTES", 2_000_000)
    (folder / "p5.pddl").write_text(" " * 2_000_001)
    assert "p5.pddl: larger than 2 MB" in refused(folder)


def test_line_ends_of_another_system_make_no_other_task(folder: Path, tasks: list[Task]) -> None:
    (folder / "p1.pddl").write_bytes(tasks[0].problem_pddl.replace("\n", "\r\n").encode())
    assert read_folder(folder)[0].hash == tasks[0].hash


@pytest.mark.parametrize("name", ["x" * 5000, "x/" * 5000, "x\0"])
def test_names_that_no_file_can_have(folder: Path, name: str) -> None:
    assert "no such folder" in refused(Path(name))
    assert "no domain.pddl" in refused(folder, Path(name))
    with pytest.raises(InputError, match=r"no domain\.pddl"):
        read_problem_file(folder / "p1.pddl", Path(name))


def test_a_problem_file_alone(folder: Path, tasks: list[Task]) -> None:
    read = read_problem_file(folder / "p2.pddl")
    assert (read.id, read.domain, read.hash) == ("p2", "towers", tasks[1].hash)
    (folder / "domain.pddl").unlink()
    assert read_problem_file(folder / "p2.pddl", DOMAIN).domain == "blocksworld"
    with pytest.raises(InputError, match="--domain"):
        read_problem_file(folder / "p2.pddl")
    with pytest.raises(InputError, match="No such file"):
        read_problem_file(folder / "p99.pddl")


def test_a_folder_with_its_problems_in_instances_is_read_as_the_built_in_ones_are(folder: Path) -> None:
    flat = read_folder(folder)
    (folder / "instances").mkdir()
    for file in folder.glob("p*.*"):
        file.rename(folder / "instances" / file.name)
    assert [(task.id, task.hash, task.reference) for task in read_folder(folder)] == [
        (task.id, task.hash, task.reference) for task in flat
    ]
    assert len(read_folder(domains_dir() / "blocksworld")) == 4
