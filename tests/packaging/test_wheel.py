"""The package works without its checkout: built, installed into another environment, run from an unrelated folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_WHEEL = 12 * 2**20  # the small planner is to be 8 MiB or less
PROBLEM = """(define (problem two) (:domain blocksworld) (:objects a b - block)
  (:init (ontable a) (ontable b) (clear a) (clear b) (handempty)) (:goal (on a b)))"""


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this process's Python or planbench settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PLANBENCH_", "COV_", "VIRTUAL_ENV"))}
    argv = [str(part) for part in command]
    return subprocess.run(argv, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as a release is: the source distribution first, the wheel out of that."""
    out = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("planbench-*.whl")
    assert list(out.glob("planbench-*.tar.gz"))
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a second environment with the wheel in it. It borrows this one's other packages, by a line in a
    path file: the path files of the borrowed folder, which name the checkout, are not read through that."""
    venv = tmp_path_factory.mktemp("venv")
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", venv],
        [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--no-deps", "--no-index", wheel],
    ):
        done = run(*command, cwd=venv)
        assert done.returncode == 0, done.stdout + done.stderr
    (site_packages,) = (venv / "lib").glob("python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return venv / "bin"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "problem.pddl").write_text(PROBLEM)
    (tmp_path / "plan").write_text("(pick-up a)\n(stack a b)\n")
    return tmp_path


def test_the_wheel_holds_the_package_and_its_data_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"planbench"}
    for path in (ROOT / "domains").rglob("*"):
        if path.is_file():
            assert f"planbench/domains/{path.relative_to(ROOT / 'domains').as_posix()}" in names
    for planner in ("tiny", "grown"):
        for needed in ("config.json", "model.safetensors", "tokenizer.json"):
            assert f"planbench/checkpoints/{planner}/{needed}" in names
    assert "planbench/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size <= MAX_WHEEL


def test_the_checkout_is_not_seen(scripts: Path, elsewhere: Path) -> None:
    probe = "from planbench import paths; print(paths.PACKAGE, paths.domains_dir(), paths.tiny_dir(), sep='\\n')"
    done = run(scripts / "python", "-c", probe, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        assert Path(line).is_relative_to(scripts.parent)
    assert run(scripts / "python", "-c", "import tests", cwd=elsewhere).returncode == 1


def test_domains(scripts: Path, elsewhere: Path) -> None:
    done = run(scripts / "planbench", "domains", "--json", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["name"] for line in done.stdout.splitlines()} >= {"blocksworld", "grid", "logistics"}


def test_validate(scripts: Path, elsewhere: Path) -> None:
    done = run(scripts / "planbench", "validate", "blocksworld", "problem.pddl", "plan", "--json", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "valid"


def test_eval_measures_the_shipped_planner(scripts: Path, elsewhere: Path) -> None:
    command = [scripts / "planbench", "eval", "--limit", 6, "--plan-length", "2:8", "--out", "run", "--json"]
    done = run(*command, cwd=elsewhere, PLANBENCH_CACHE=str(elsewhere / "cache"), OMP_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["tasks"] == 6
    assert summary["samples"] == sum(summary["verdicts"].values()) == 6
    assert summary["verdicts"].get("harness_error", 0) == 0
    assert {"run.json", "samples.jsonl", "summary.json"} <= {path.name for path in (elsewhere / "run").iterdir()}


def test_the_script_of_the_checkout_needs_no_installation(elsewhere: Path) -> None:
    done = run(sys.executable, ROOT / "cli.py", "validate", "blocksworld", "problem.pddl", "plan", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
