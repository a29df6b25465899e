"""Small tokenizers of the kinds that the families have."""

from __future__ import annotations

from typing import Any

from tests.tiny import CORPUS

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace("{1,3}", "")
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CLITICS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT4O = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{CLITICS}|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{CLITICS}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
MORE = [
    "It's 1234567 or 89, isn't it?  We'll see:\n\n\n  Two   spaces, THREE\tTabs. He'd said 'IT'S'.",
    "def f(x):\n    return x ** 2  # 平方\r\n",
    "Ünïcödé ça va? Привет, 你好！ 12 34 ½ ² 😀 😀😀 — “quotes” … /// //\n",
]
SPECIAL = ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def by_bytes(pattern: str | None, digits: bool = False) -> Any:
    """A byte-level tokenizer that cuts text by `pattern` first (by GPT-2's own where there is none)."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    cuts: list[Any] = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    if pattern:
        cuts.append(pre_tokenizers.Split(Regex(pattern), behavior="isolated"))
    cuts.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None))
    backend = Tokenizer(models.BPE(ignore_merges=bool(pattern) and "{1,3}" in pattern))
    backend.pre_tokenizer = pre_tokenizers.Sequence(cuts)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([*CORPUS, *MORE], trainer)
    return _finished(backend)


def by_characters(space_in_front: bool, begin: bool = True) -> Any:
    """A tokenizer like SentencePiece's: characters, with bytes for those it does not know."""
    from tokenizers import Tokenizer, decoders, models, normalizers, processors, trainers

    backend = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    steps = [normalizers.Prepend("▁")] if space_in_front else []
    backend.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    names = [*SPECIAL, *(f"<0x{value:02X}>" for value in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=700, special_tokens=names, show_progress=False)
    backend.train_from_iterator([*CORPUS, *(text.replace("😀", "") for text in MORE)], trainer)
    kept = backend.to_str()
    backend = Tokenizer.from_str(_without_bytes(kept))
    if begin:
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", backend.token_to_id("<s>"))]
        )
    return _finished(backend)


def _without_bytes(text: str) -> str:
    """Bytes are ordinary tokens, not ones that are looked for in a text."""
    import json

    core = json.loads(text)
    core["added_tokens"] = [token for token in core["added_tokens"] if not token["content"].startswith("<0x")]
    return json.dumps(core)


def _finished(backend: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<|endoftext|>",
        unk_token="<unk>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
        clean_up_tokenization_spaces=False,
    )
