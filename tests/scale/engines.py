"""Our engine beside vLLM, the LM Evaluation Harness and a plain loop over `generate`, on two cores of a processor.

    python -m tests.scale.engines --prompts 64 --json experiments/scale/engines-64.json

Each works in a process of its own, one after the other, in float32, with SmolLM2-135M from one folder. They answer the
same prompts (Blocksworld tasks with one solved example before them, 600 tokens or so in common) greedily with 64 new
tokens each, whatever those are. *generating* is the time from the first prompt to the last token, weights being loaded
and kernels compiled; *whole* is a process from its start to its end, as its users would start it: `planbench eval` with
our engine and with `engine=vllm`, which end with a report, and the harness. Times are by the clock, so the machine must
have nothing else to do: `load` says whether it had. `bound_s` is what no scheduling can beat (`tests.scale.bound`),
measured in a process of its own; `first_sample_s` is how long `planbench eval` takes to the first sample in its file.

vLLM and the harness live in environments of their own (`make engines` makes them).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LIMIT = 64
EVAL = ["-m", "planbench", "eval", "smollm2-135m", "--domain", "blocksworld", "--plan-length", "4:24", "--shots", "1"]
EVAL += ["--max-tokens", str(LIMIT)]
OURS, VLLM, HARNESS = Path(".venv"), Path(".venv-vllm"), Path(".venv-lm-eval")

Prompts = dict[str, Any]
"""`folder` of the checkpoint, `ids` (token ids a prompt) and `texts`."""
Answers = Callable[[], list[list[int]]]


def made(count: int) -> Prompts:
    from planbench.models import load
    from planbench.models.catalog import prompt_encoder
    from planbench.models.gguf import converted, smollm2_file
    from planbench.preparation import examples, prepare
    from planbench.prompts.styles import build_prompt
    from planbench.suite.generator import generate

    tasks = generate("blocksworld", count, plan_length=(4, 24))
    shots = examples(tasks, 1)["blocksworld"]
    encoder = prompt_encoder("smollm2-135m")
    assert encoder is not None
    prompts = [
        build_prompt("pddl", one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots)
        for one in prepare(tasks)
    ]
    load("smollm2-135m", model_args={"device": "cpu"})  # converts it, if it never was
    return {
        "folder": str(converted(smollm2_file())),
        "ids": [list(encoder.encode(prompt)) for prompt in prompts],
        "texts": [encoder.rendered(prompt) for prompt in prompts],
    }


def ours(prompts: Prompts, size: int) -> Answers:
    from planbench.models import load
    from planbench.models.continuous import Engine
    from planbench.models.decode import Row
    from planbench.models.hf import HfModel

    model = load("smollm2-135m", model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    engine = Engine(model._model, frozenset())
    rows = [Row(tuple(ids), LIMIT, 0) for ids in prompts["ids"]]

    def answer() -> list[list[int]]:
        found = {one.index: one.completion for one in engine.run(rows, range(len(rows)), size)}
        return [list(completion.tokens) for _, completion in sorted(found.items()) if completion is not None]

    return answer


def vllm(prompts: Prompts, size: int) -> Answers:
    from vllm import LLM, SamplingParams  # pyright: ignore[reportMissingImports]

    engine: Any = LLM(model=prompts["folder"], dtype="float32", enable_prefix_caching=True, max_num_seqs=size)
    asked: list[Any] = [{"prompt_token_ids": ids} for ids in prompts["ids"]]
    settings: Any = SamplingParams(temperature=0, max_tokens=LIMIT, ignore_eos=True, detokenize=False)
    return lambda: [list(one.outputs[0].token_ids) for one in engine.generate(asked, settings, use_tqdm=False)]


def plain(prompts: Prompts, size: int) -> Answers:
    import torch
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(prompts["folder"], dtype=torch.float32)
    order = sorted(range(len(prompts["ids"])), key=lambda place: -len(prompts["ids"][place]))

    def answer() -> list[list[int]]:
        said: dict[int, list[int]] = {}
        for first in range(0, len(order), size):
            batch = order[first : first + size]
            texts = [prompts["ids"][place] for place in batch]
            width = max(map(len, texts))
            found = model.generate(
                torch.tensor([[0] * (width - len(text)) + text for text in texts]),
                attention_mask=torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in texts]),
                do_sample=False,
                min_new_tokens=LIMIT,
                max_new_tokens=LIMIT,
                pad_token_id=0,
            )
            said |= {place: row[width:].tolist() for place, row in zip(batch, found, strict=True)}
        return [said[place] for place in range(len(order))]

    return answer


def harness(prompts: Prompts, size: int) -> Answers:
    import lm_eval  # pyright: ignore[reportMissingImports]
    from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]

    model: Any = HFLM(pretrained=prompts["folder"], dtype="float32", device="cpu", batch_size=size)
    docs = Path(tempfile.mkdtemp()) / "docs.jsonl"
    docs.write_text("".join(json.dumps({"text": text}) + "\n" for text in prompts["texts"]))
    task = {
        "task": "planbench",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(docs)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": "",
        "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": LIMIT, "min_new_tokens": LIMIT},
        "metric_list": [{"metric": "bypass"}],
    }

    def answer() -> list[list[int]]:
        found: Any = lm_eval.simple_evaluate(model=model, tasks=[task], bootstrap_iters=0, log_samples=True)
        samples = sorted(found["samples"]["planbench"], key=lambda sample: sample["doc_id"])
        return [model.tok_encode(sample["resps"][0][0]) for sample in samples]

    return answer


def bound(prompts: Prompts) -> float:
    from planbench.models import load
    from planbench.models.hf import HfModel
    from tests.scale.bound import bound_seconds

    model = load("smollm2-135m", model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    texts = [tuple(ids) for ids in prompts["ids"]]
    return bound_seconds(model._model, texts, len(texts) * LIMIT, time.perf_counter)


WORKERS: dict[str, tuple[Path, Callable[[Prompts, int], Answers]]] = {
    "planbench": (OURS, ours),
    "vllm": (VLLM, vllm),
    "lm-eval": (HARNESS, harness),
    "generate": (OURS, plain),
}

BOUND = "bound"


def work(name: str, size: int, prompts: Path, out: Path) -> None:
    """In a process of its own: answer, and write down how long that took and what was said; or the bound."""
    asked = json.loads(prompts.read_text())
    if name == BOUND:
        out.write_text(json.dumps(bound(asked)))
        return
    answer = WORKERS[name][1](asked, size)
    started = time.perf_counter()
    said = answer()
    out.write_text(json.dumps({"seconds": time.perf_counter() - started, "said": said}))


def timed(argv: Sequence[str], written: Path | None = None) -> tuple[float, float | None]:
    """Seconds of a process from its start to its end, and until something stood in the file `written`."""
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "4", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}
    environment |= {"PYTHONPATH": str(Path.cwd()), "TOKENIZERS_PARALLELISM": "false"}
    environment.pop("OMP_NUM_THREADS", None)  # each takes what it takes by itself
    started, first = time.perf_counter(), None
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL)
    while written is not None and first is None and process.poll() is None:
        time.sleep(0.05)
        if written.exists() and written.stat().st_size:
            first = time.perf_counter() - started
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, argv)
    return time.perf_counter() - started, first


def main() -> None:
    parser = argparse.ArgumentParser(description="Our engine beside others.")
    parser.add_argument("--prompts", default="64", help="how many, or, of a worker, the file")
    parser.add_argument("--only", default=",".join(WORKERS), help="of " + ", ".join(WORKERS))
    parser.add_argument("--sizes", default="16,64", help="batches that lm-eval and generate try; the best counts")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", choices=[*WORKERS, BOUND], help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=64, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.size, Path(asked.prompts), asked.json)
        return
    from tests.scale import conclude

    count, chosen = int(asked.prompts), asked.only.split(",")
    scratch = Path(tempfile.mkdtemp())
    file, out = scratch / "prompts.json", scratch / "out.json"
    prompts = made(count)
    file.write_text(json.dumps(prompts))
    rows: dict[str, dict[str, float]] = {}
    said: dict[str, list[list[int]]] = {}
    load = os.getloadavg()[0]
    for name in chosen:
        python = str(WORKERS[name][0] / "bin" / "python")
        sizes = asked.sizes.split(",") if name in ("lm-eval", "generate") else ["64"]
        worker = [python, "-m", "tests.scale.engines", "--prompts", str(file), "--json", str(out), "--work"]
        for size in sizes:
            whole, _ = timed([*worker, name, "--size", size])
            found = json.loads(out.read_text())
            assert [len(tokens) for tokens in found["said"]] == [LIMIT] * count or name == "lm-eval"
            row = {"generating_s": found["seconds"], "whole_s": whole, "batch": int(size)}
            if name not in rows or row["generating_s"] < rows[name]["generating_s"]:
                rows[name], said[name] = row, found["said"]
            print(f"{name}, batches of {size}: generating {found['seconds']:.1f} s, process {whole:.1f} s", flush=True)
        if name in ("planbench", "vllm"):
            engine = ["--model-arg", "engine=vllm", "--model-arg", "dtype=float32"] if name == "vllm" else []
            folder = scratch / f"run-{name}"
            run = [*EVAL, *engine, "--limit", str(count), "--out", str(folder)]
            rows[name]["whole_s"], first_sample = timed([python, *run], folder / "samples.jsonl")
            rows[name]["first_sample_s"] = first_sample or rows[name]["whole_s"]
            print(f"planbench eval, {name}: {rows[name]['whole_s']:.1f} s", flush=True)
        if name == "planbench":
            timed([*worker, BOUND])
            rows[name]["bound_s"] = json.loads(out.read_text())
            rows[name]["share_of_bound"] = rows[name]["bound_s"] / rows[name]["generating_s"]
        # After each, so that what was measured is there if the next one fails.
        first = said.get("planbench")
        for one, row in rows.items():
            row["tasks_per_s"] = count / row["generating_s"]
            if first:
                row["same_replies"] = sum(a == b for a, b in zip(said[one], first, strict=True)) / count
        ratios = {one: rows["planbench"]["tasks_per_s"] / row["tasks_per_s"] for one, row in rows.items() if first}
        lengths = [len(ids) for ids in prompts["ids"]]
        about = {"prompts": count, "prompt_tokens": [min(lengths), max(lengths)], "new_tokens": LIMIT, "load": load}
        conclude({**about, "cores": os.cpu_count(), "engines": rows, "tasks_per_s_ratio": ratios}, asked.json)


if __name__ == "__main__":
    main()
