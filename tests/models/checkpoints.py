"""Real checkpoints, small enough to make on the spot: a word-level tokenizer and a random decoder of a few thousand
weights. Random weights are drawn wide, so that greedy replies vary from prompt to prompt and stop tokens do occur."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.records import Message, Prompt, Request

WORDS = ["<pad>", "<unk>", "<s>", "</s>", *(f"w{number}" for number in range(60))]
EOS = WORDS.index("</s>")

_SHAPE: dict[str, Any] = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "initializer_range": 0.7,
}
_SMALL_SHAPES: dict[str, dict[str, Any]] = {
    "Llama": _SHAPE,
    "Qwen2": _SHAPE,
    "Qwen3": {**_SHAPE, "head_dim": 8},
    "Mistral": {**_SHAPE, "sliding_window": 6},
    "Gemma2": {
        **_SHAPE,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
        "attn_logit_softcapping": 2.0,
    },
    "Mixtral": {**_SHAPE, "num_local_experts": 4, "num_experts_per_tok": 2},
    "Qwen3Moe": {**_SHAPE, "head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "GptOss": {**_SHAPE, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 6},
    "Phi3": {
        **_SHAPE,
        "original_max_position_embeddings": 32,
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 10_000.0,
            "original_max_position_embeddings": 32,
            "short_factor": [1.0] * 4,
            "long_factor": [8.0] * 4,
        },
    },
    "Llama4Text": {
        **_SHAPE,
        "head_dim": 8,
        "intermediate_size_mlp": 48,
        "num_local_experts": 2,
        "attention_chunk_size": 32,
        "layer_types": ["chunked_attention", "full_attention"],
        "no_rope_layers": [1, 0],
    },
    "GPT2": {
        "vocab_size": len(WORDS),
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 64,
        "initializer_range": 0.7,
    },
    "Bloom": {"vocab_size": len(WORDS), "hidden_size": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.7},
    "Mamba": {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "state_size": 8,
        "initializer_range": 0.7,
    },
    "Rwkv": {
        "vocab_size": len(WORDS),
        "hidden_size": 32,
        "attention_hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "initializer_range": 0.7,
    },
    "Lfm2": {**_SHAPE, "num_hidden_layers": 3, "layer_types": ["conv", "full_attention", "conv"], "conv_L_cache": 3},
}
ARCHITECTURES = ("Llama", "Qwen2", "Qwen3", "Mistral", "GPT2", "Bloom", "Mamba", "Rwkv", "Lfm2")

CHAT = "{% for m in messages %}{{ '<s> ' + m['role'] + ' ' + m['content'] + ' </s> ' }}{% endfor %}"
CHAT += "{% if add_generation_prompt %}{{ '<s> assistant ' }}{% endif %}"

DOMAIN = """(define (domain walk) (:requirements :strips :typing) (:types place)
  (:predicates (at ?p - place) (road ?a ?b - place))
  (:action go :parameters (?a ?b - place) :precondition (and (at ?a) (road ?a ?b))
    :effect (and (at ?b) (not (at ?a)))))"""


def tokenizer(chat_template: str | None = None) -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    made.chat_template = chat_template
    return made


def random_model(architecture: str = "Llama", seed: int = 0, **changes: Any) -> Any:
    torch.manual_seed(seed)
    shape = {**_SMALL_SHAPES[architecture], "bos_token_id": 2, "eos_token_id": EOS, "pad_token_id": 0, **changes}
    config = getattr(transformers, f"{architecture}Config")(**shape)
    name = "GPT2LMHeadModel" if architecture == "GPT2" else f"{architecture.removesuffix('Text')}ForCausalLM"
    return getattr(transformers, name)(config).eval()


def save(
    folder: Path,
    architecture: str = "Llama",
    *,
    chat_template: str | None = None,
    shards: bool = False,
    seed: int = 0,
    **changes: Any,
) -> Path:
    """A whole checkpoint in `folder`; `changes` are keys of its config."""
    size = {"max_shard_size": "8KB"} if shards else {}
    random_model(architecture, seed, **changes).save_pretrained(folder, **size)
    tokenizer(chat_template).save_pretrained(folder)
    return folder


def save_gguf(path: Path, *, blocks: int = 1, parts: int = 1) -> None:
    """A random Llama of one layer with five tokens of text, as llama.cpp's own writer keeps it; it may say more layers
    than it has, and that it is the first of some parts."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(blocks)
    if parts > 1:
        writer.add_uint16("split.count", parts)
    writer.add_feed_forward_length(48)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(16)
    writer.add_vocab_size(6)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(["<|endoftext|>", "a", "b", "c", "ab", "abc"])
    writer.add_token_types([gguf.TokenType.CONTROL, *[gguf.TokenType.NORMAL] * 5])
    writer.add_token_merges(["a b", "ab c"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    block = {"attn_norm": (32,), "ffn_norm": (32,), "attn_q": (32, 32), "attn_k": (16, 32), "attn_v": (16, 32)}
    block |= {"attn_output": (32, 32), "ffn_gate": (48, 32), "ffn_up": (48, 32), "ffn_down": (32, 48)}
    shapes = {"token_embd": (6, 32), "output_norm": (32,), "output": (6, 32)}
    shapes |= {f"blk.0.{name}": shape for name, shape in block.items()}
    numbers = np.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", numbers.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def walk(places: int, ring: bool = True) -> CompiledTask:
    """A walk from the first of some places to the last, along roads between neighbours."""
    names = [f"p{number}" for number in range(places)]
    pairs = [(a, b) for a, b in zip(names, [*names[1:], names[0]], strict=True) if ring or b != names[0]]
    roads = " ".join(f"(road {a} {b}) (road {b} {a})" for a, b in pairs) if ring else ""
    domain = read_domain(DOMAIN)
    problem = f"""(define (problem ring-{places}) (:domain walk) (:objects {" ".join(names)} - place)
      (:init (at p0) {roads}) (:goal (at {names[-1]})))"""
    return compile_task(domain, read_problem(problem, domain))


def request(text: str, seed: int = 0, *, key: str = "", raw: bool = True, task: CompiledTask | None = None) -> Request:
    prompt = Prompt("test", (Message("user", text),), raw=raw)
    return Request(key or f"{text}-{seed}", prompt, task or walk(3), "0" * 16, 0, seed)


def prompts(count: int, longest: int = 20) -> list[str]:
    """Different prompts of different lengths, in no order."""
    generator = torch.Generator().manual_seed(count)
    lengths = torch.randint(1, longest + 1, (count,), generator=generator).tolist()
    return [
        " ".join(f"w{word}" for word in torch.randint(0, 60, (length,), generator=generator).tolist())
        for length in lengths
    ]
