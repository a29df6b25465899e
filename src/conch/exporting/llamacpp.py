"""A GGUF file as its users meet it: read by llama.cpp (xllamacpp), which is asked over its own HTTP API.

For proofs, not for speed: the cache is fp32, nothing is fused that would round more than need be.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError, first_line
from conch.inference.llama.process import LlamaProcess, LlamaSettings
from conch.inference.llama.talk import LlamaError

CONTEXT = 2048
TIMEOUT = 600
"""Seconds that one answer may take."""


def installed() -> bool:
    return importlib.util.find_spec("xllamacpp") is not None


class LlamaCpp:
    """One GGUF file in llama.cpp, with a LoRA adapter on it if given. Raises ExportError."""

    def __init__(self, file: Path, lora: Path | None = None, threads: int | None = None) -> None:
        adapters = () if lora is None else (lora,)
        try:
            self._process = LlamaProcess(
                LlamaSettings(file, CONTEXT, threads=threads, adapters=adapters, exact=True)
            )
        except LlamaError as error:  # llama.cpp tells what is wrong on stderr, and here that something is
            raise ExportError("gguf.unreadable", file=file, reason=first_line(error)) from error
        try:
            self._letter = self.tokens("a")[-1]
        except BaseException:
            self.close()
            raise

    def tokens(self, text: str, *, begin: bool = False) -> list[int]:
        """How the file's own tokenizer reads `text`; `begin` as the beginning of one."""
        asked = {"content": text, "add_special": begin, "parse_special": True}
        return list(self._ask("/tokenize", asked)["tokens"])

    def rendered(self, messages: Sequence[dict[str, Any]], thinking: bool | None = None) -> str:
        """The prompt that the file's own chat template makes, its switch for thoughts set where given."""
        asked: dict[str, Any] = {"messages": list(messages)}
        if thinking is not None:
            asked["chat_template_kwargs"] = {"enable_thinking": thinking, "thinking": thinking}
        return str(self._ask("/apply-template", asked)["prompt"])

    def likeliest(self, tokens: Sequence[int], count: int) -> list[tuple[int, float]]:
        """The `count` likeliest tokens after `tokens`, with the natural logarithms of their probabilities."""
        asked = {"prompt": list(tokens), "n_predict": 1, "n_probs": count, "cache_prompt": True}
        # Nothing is told of a token that ends the answer or half a character, so another one is drawn:
        # the probabilities told are those before any bias.
        asked |= {"temperature": 0.0, "logit_bias": [[self._letter, 1e6]]}
        told = self._ask("/completion", asked)["completion_probabilities"][0]["top_logprobs"]
        return [(entry["id"], _number(entry["logprob"])) for entry in told]

    def next_logprobs(self, tokens: Sequence[int], size: int) -> Any:
        """Natural-log probabilities of all `size` tokens after `tokens`, fp32."""
        import numpy as np

        values = np.full(size, -np.inf, dtype=np.float32)
        for token, value in self.likeliest(tokens, size):
            values[token] = value
        return values

    def ends_at(self, token: int) -> bool:
        """Whether `token` ends an answer."""
        asked = {"prompt": [self._letter], "n_predict": 2, "temperature": 0.0}
        told = self._ask("/completion", {**asked, "logit_bias": [[token, 1e6]]})
        return bool(told["stop_type"] == "eos")

    def greedy(self, tokens: Sequence[int], count: int) -> tuple[list[int], bool]:
        """The likeliest answer of at most `count` tokens, and whether it ended by itself."""
        asked = {"prompt": list(tokens), "n_predict": count, "temperature": 0.0, "return_tokens": True}
        told = self._ask("/completion", asked)
        ended = told["stop_type"] == "eos"
        return list(told["tokens"])[: -1 if ended else None], ended

    def close(self) -> None:
        self._process.close()

    def __enter__(self) -> LlamaCpp:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(self._process.call(path, asked, TIMEOUT))
        except LlamaError as error:
            raise ExportError("gguf.unreadable", file="llama.cpp", reason=first_line(error)) from error


def _number(told: float | None) -> float:
    """JSON knows no infinity."""
    return float("-inf") if told is None else float(told)
