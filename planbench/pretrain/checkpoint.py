"""The small planner as an ordinary checkpoint: a model of transformers', a word-level tokenizer, a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import Lfm2Config, Lfm2ForCausalLM, PreTrainedTokenizerFast

from planbench.pretrain.config import PretrainConfig

PAD, END, UNKNOWN = "<pad>", "<end>", "<unknown>"

MAX_REPLY_TOKENS = 384
"""What a plan of 60 Grid steps needs, and the end."""


def new_model(config: PretrainConfig, words: int) -> Lfm2ForCausalLM:
    """A decoder with fresh weights: short convolutions and attention by turns (the LFM2 architecture).

    Why not attention alone: a convolution over three words lets the first attention layer already see what stands next
    to a name, which attention has to learn as a position pattern first.
    """
    torch.manual_seed(config.seed)
    # Told to planbench.models.hf by the config, which keeps keys that transformers does not know.
    ours: dict[str, Any] = {"planbench_prompt_style": "compact", "planbench_max_tokens": MAX_REPLY_TOKENS}
    model = Lfm2ForCausalLM(
        Lfm2Config(
            vocab_size=words + 3,
            hidden_size=config.width,
            intermediate_size=config.inner,
            block_auto_adjust_ff_dim=False,
            num_hidden_layers=config.layers,
            layer_types=["conv" if layer % 3 == 0 else "full_attention" for layer in range(config.layers)],
            conv_L_cache=3,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            max_position_embeddings=config.context,
            tie_word_embeddings=True,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
            **ours,
        )
    )
    # Wider than the library's 0.02, and learned more slowly than the rest: else what the names of a type have in common
    # outgrows what sets them apart, and no name is ever told from another (docs/decisions.md).
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=config.spread)
    return model


def new_tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """One token a word; `<pad>` is 0, `<end>` 1, `<unknown>` 2."""
    ids = {word: number for number, word in enumerate([PAD, END, UNKNOWN, *words])}
    if len(ids) != len(words) + 3:
        raise ValueError("a word occurs twice in the vocabulary")
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()  # pyright: ignore[reportAttributeAccessIssue]  # a setter in the stubs
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN, padding_side="left"
    )


def save(folder: Path, model: Any, tokenizer: Any) -> None:
    """Write config.json, model.safetensors and tokenizer.json."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
