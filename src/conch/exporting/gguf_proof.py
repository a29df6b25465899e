"""Does a GGUF file, in llama.cpp, answer as the model that it was made from?

The model is computed in fp32. Compared are the tokens of each prompt as the file's own template and
tokenizer make them, log-probabilities of the likeliest next tokens at every position of the
prompts, the tokens that end an answer, and how much of the adapter is in the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from conch.core.conversation import Message
from conch.data.template import ChatTemplate
from conch.data.thoughts import switches_of
from conch.exporting.checks import Check, Share, at_least, at_most, share_of
from conch.exporting.llamacpp import LlamaCpp
from conch.exporting.proof import GREEDY_TOKENS, Answer
from conch.models.load import LoadedModel

NEIGHBOURS = 64
"""Tokens compared at a position: those that the file finds likeliest."""


@dataclass(frozen=True)
class Bounds:
    """What rounding to a format may do to log-probabilities."""

    mean: float
    largest: float
    same: float
    """Least share of positions with the same likeliest token, among those where the source is sure."""


BOUNDS = {
    "f32": Bounds(0.002, 0.05, 0.99),
    "f16": Bounds(0.02, 0.5, 0.98),
    "bf16": Bounds(0.15, 1.5, 0.96),
    "q8_0": Bounds(0.3, 3.0, 0.95),
    "q6_k": Bounds(0.4, 4.0, 0.92),
    "q5_k_m": Bounds(0.7, 6.0, 0.85),
    "q5_1": Bounds(0.7, 6.0, 0.85),
    "q5_0": Bounds(0.7, 6.0, 0.85),
    "q4_k_m": Bounds(1.0, 8.0, 0.7),
    "q4_1": Bounds(1.0, 8.0, 0.7),
    "q4_0": Bounds(1.0, 8.0, 0.7),
}
"""On a tuned SmolLM2-135M the means are 0.004 for f16, 0.15 for q8_0 and 0.46 for q4_k_m."""
SURE = 0.5
"""The source is sure of a token that is so much likelier (in log-probability) than the next."""


@dataclass(frozen=True)
class Witness:
    """What the source says, and what its base says without the adapter, to the same prompts."""

    source: Sequence[Answer]
    base: Sequence[Answer]
    """Empty where there is no adapter."""
    stops: frozenset[int]


@dataclass(frozen=True)
class GgufProof:
    """What the comparison found."""

    kind: str
    checks: tuple[Check, ...]
    prompts: int
    positions: int
    same_answers: int
    max_logit_difference: float
    mean_logit_difference: float
    same_next_token: float
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dtype(self) -> str:
        return f"gguf {self.kind}"

    @property
    def bound(self) -> float:
        return BOUNDS[self.kind].largest

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "dtype": self.dtype,
            "bound": self.bound,
            "max_logit_difference": _finite(self.max_logit_difference),
            "mean_logit_difference": _finite(self.mean_logit_difference),
            "same_next_token": self.same_next_token,
            "same_answers": self.same_answers,
            "prompts": self.prompts,
            "positions": self.positions,
            "checks": [check.to_dict() for check in self.checks],
            "answers": self.answers,
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@dataclass
class _Compared:
    """Log-probabilities of the same tokens at the same positions: by the source, its base, and the file."""

    source: list[Any] = field(default_factory=list)
    base: list[Any] = field(default_factory=list)
    export: list[Any] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)
    same: list[bool] = field(default_factory=list)

    def add(self, source: Any, base: Any, told: list[tuple[int, float]]) -> None:
        ids = [token for token, _ in told]
        self.source.append(source[ids])
        self.export.append(np.array([value for _, value in told], dtype=np.float32))
        if base is not None:
            self.base.append(base[ids])
        first, second = np.sort(source)[-1:-3:-1]
        self.sure.append(bool(first - second > SURE))
        self.same.append(ids[0] == int(source.argmax()))

    def differences(self) -> Any:
        return np.abs(np.concatenate(self.source) - np.concatenate(self.export))

    def agreement(self) -> float:
        """Share of the same likeliest token where the source is sure of it."""
        told = [same for same, sure in zip(self.same, self.sure, strict=True) if sure]
        return sum(told) / len(told) if told else 1.0

    def share(self) -> Share | None:
        if not self.base:
            return None
        source, base, export = (np.concatenate(part) for part in (self.source, self.base, self.export))
        return share_of(source, base, export, len(self.same))


def prove_gguf(witness: Witness, loaded: LoadedModel, reader: LlamaCpp, kind: str) -> GgufProof:
    """Hold the file in `reader`, of the format `kind`, against what its source said."""
    compared = _Compared()
    bases: Sequence[Answer | None] = witness.base or [None] * len(witness.source)
    for answer, base in zip(witness.source, bases, strict=True):
        _compare(compared, answer, base, reader)
    differences = compared.differences()
    finite = bool(np.isfinite(differences).all())
    largest = float(differences.max()) if finite else math.inf
    mean = float(differences.mean()) if finite else math.inf
    answers = [_answer(answer, loaded, reader) for answer in witness.source]
    prompts = [_prompt_tokens(answer, loaded, reader) == answer.prompt_ids for answer in witness.source]
    ending = [reader.ends_at(stop) for stop in sorted(witness.stops)]
    bounds = BOUNDS[kind]
    share = compared.share()
    checks = [
        at_least("prompt_tokens", sum(prompts), len(prompts)),
        at_least("stop_tokens", sum(ending), len(ending)),
        at_most("largest", largest, bounds.largest),
        at_most("mean", mean, bounds.mean),
        at_least("next_token", compared.agreement(), bounds.same),
        share.check() if share else None,
    ]
    return GgufProof(
        kind,
        tuple(check for check in checks if check),
        len(answers),
        len(compared.same),
        sum(answer["source"] == answer["export"] for answer in answers),
        largest,
        mean,
        sum(compared.same) / len(compared.same),
        answers,
    )


def _compare(compared: _Compared, answer: Answer, base: Answer | None, reader: LlamaCpp) -> None:
    source = answer.logits.log_softmax(-1).numpy()
    other = base.logits.log_softmax(-1).numpy() if base else None
    for at in range(len(answer.prompt_ids)):
        told = reader.likeliest(answer.prompt_ids[: at + 1], NEIGHBOURS)
        known = [(token, value) for token, value in told if token < source.shape[1]]
        compared.add(source[at], other[at] if other is not None else None, known)


def _prompt_tokens(answer: Answer, loaded: LoadedModel, reader: LlamaCpp) -> list[int]:
    if not loaded.has_template():
        return reader.tokens(answer.prompt, begin=True)
    wish = _usual_thinking(loaded.template())
    return reader.tokens(reader.rendered([{"role": "user", "content": answer.prompt}], wish))


def _usual_thinking(template: ChatTemplate) -> bool | None:
    """What the template's switch for thoughts is where nobody sets it; llama.cpp always sets it."""
    if not switches_of(template.source):
        return None
    asked = [Message("user", "?")]
    usual = template.render(asked)
    return next(
        (wish for wish in (True, False) if replace(template, thinking=wish).render(asked) == usual), None
    )


def _answer(answer: Answer, loaded: LoadedModel, reader: LlamaCpp) -> dict[str, Any]:
    tokens, _ = reader.greedy(answer.prompt_ids, GREEDY_TOKENS)
    text = str(loaded.tokenizer.decode(_known(tokens, loaded)))
    return {"prompt": answer.prompt, "source": answer.text, "export": text}


def _known(tokens: Iterable[int], loaded: LoadedModel) -> list[int]:
    """llama.cpp may draw from rows of the vocabulary that have no token."""
    return [token for token in tokens if token < len(loaded.tokenizer)]
