"""Tokenizers as those of chat models: byte-level BPE, turns between special tokens, `<think>` an added token."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

IM_CHAT = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}"
    "{{ m['content'].split('</think>')[-1] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
IM_THINKING = IM_CHAT.replace("assistant\n' }}", "assistant\n<think>\n' }}")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def byte_level(chat_template: str | None, eos: str = "<|im_end|>") -> PreTrainedTokenizerFast:
    """A tokenizer as those of Qwen: byte-level BPE, turns between special tokens, `<think>` an ordinary added token."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # pyright: ignore[reportAttributeAccessIssue]
    made.decoder = decoders.ByteLevel()  # pyright: ignore[reportAttributeAccessIssue]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(["(pick-up a)\n(stack a b)\nassistant user system reasoning plan"] * 9, trainer)
    made.add_tokens([AddedToken("<think>"), AddedToken("</think>")])
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=eos, pad_token="<|endoftext|>")
    fast.chat_template = chat_template
    return fast


def tokens(tokenizer: PreTrainedTokenizerFast, names: Sequence[str]) -> list[int]:
    return [tokenizer.get_vocab()[name] for name in names]
