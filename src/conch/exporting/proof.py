"""Does an export answer as its source does? Fixed prompts, logits and greedy text compared.

Two steps, both computed in fp32 and both held to the same tight bound:

1. *merging*: the merged weights in memory against the source with its adapter on top;
2. *writing*: the folder, read back as a user would, against the merged weights in memory,
   rounded to the export's number format.

So a wrong merge, a wrong file, a wrong template or a wrong config can't hide behind what
rounding may do; what rounding did is the distance from source to export, and is told beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from conch.core.conversation import Message
from conch.inference.engine import Request, Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models.load import LoadedModel

PROMPTS = (
    "Who are you?",
    "你是谁？",
    "What is two plus three?",
    "写一句关于海的话。",
    "List three fruits.",
    "The machine says: recipe is empty. What now?",
)
BOUND = 1e-3
"""Largest logit difference that either step may cause, in fp32."""
GREEDY_TOKENS = 32


@dataclass(frozen=True)
class Answer:
    """What a model says to one prompt. `logits` are fp32, [prompt tokens, vocabulary]."""

    prompt: str
    prompt_ids: list[int]
    logits: torch.Tensor
    text: str = ""


@dataclass(frozen=True)
class Distance:
    """How far two models' logits lie apart over the prompts; infinitely where one is no number."""

    largest: float
    mean: float
    same_next_token: float
    """Share of positions at which both find the same token likeliest."""


@dataclass(frozen=True)
class Proof:
    """What the comparison found."""

    dtype: str
    bound: float
    merging: float
    """Largest logit difference that merging made."""
    writing: float
    """Largest logit difference that writing and reading back made."""
    max_logit_difference: float
    """Between source and export: the above, and what rounding to `dtype` did."""
    mean_logit_difference: float
    same_next_token: float
    same_prompt_tokens: bool
    same_answers: int
    prompts: int
    answers: list[dict[str, Any]]

    @property
    def holds(self) -> bool:
        """Greedy text may part ways at a near-tie in a shorter format, so only fp32 must match it."""
        close = max(self.merging, self.writing) <= self.bound and self.same_prompt_tokens
        return close and (self.dtype != "float32" or self.same_answers == self.prompts)

    def to_dict(self) -> dict[str, Any]:
        """JSON knows no infinity: a difference that is not a number is null."""
        values = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }
        return {"holds": self.holds, **values}


def ask(loaded: LoadedModel, prompts: Sequence[str] = PROMPTS, *, greedy: bool = True) -> list[Answer]:
    """What a model says to the prompts. A base model without a chat template is asked raw text."""
    ids = [_prompt_ids(loaded, prompt) for prompt in prompts]
    texts = _greedy(loaded, ids) if greedy else [""] * len(ids)
    return [
        Answer(prompt, tokens, _logits(loaded, tokens), text)
        for prompt, tokens, text in zip(prompts, ids, texts, strict=True)
    ]


def _has_template(loaded: LoadedModel) -> bool:
    return bool(loaded.tokenizer.chat_template or loaded.template_name)


def _prompt_ids(loaded: LoadedModel, prompt: str) -> list[int]:
    if not _has_template(loaded):
        return list(loaded.tokenizer.encode(prompt))
    return loaded.template().prompt_ids([Message("user", prompt)])


def _greedy(loaded: LoadedModel, ids: list[list[int]]) -> list[str]:
    stop = loaded.stop_ids() if _has_template(loaded) else frozenset({loaded.tokenizer.eos_token_id or 0})
    requests = [Request(tuple(tokens), stop, Sampling(max_new_tokens=GREEDY_TOKENS)) for tokens in ids]
    done = TransformersEngine(loaded.model).complete(requests)
    return [str(loaded.tokenizer.decode(list(completion.tokens))) for completion in done]


@torch.inference_mode()
def _logits(loaded: LoadedModel, ids: list[int]) -> torch.Tensor:
    device = next(loaded.model.parameters()).device
    output = loaded.model(torch.tensor([ids], device=device), use_cache=False)
    logits: torch.Tensor = output.logits[0].float().cpu()
    return logits


def distance(one: Sequence[Answer], other: Sequence[Answer]) -> Distance:
    """Compare logits prompt by prompt. Different prompt tokens are infinitely far apart."""
    largest, total, agreed, count = 0.0, 0.0, 0, 0
    for a, b in zip(one, other, strict=True):
        if a.prompt_ids != b.prompt_ids:
            return Distance(math.inf, math.inf, 0.0)
        width = min(a.logits.shape[1], b.logits.shape[1])  # a grown vocabulary may be padded
        difference = (a.logits[:, :width] - b.logits[:, :width]).abs()
        if not bool(difference.isfinite().all()):
            return Distance(math.inf, math.inf, 0.0)
        largest = max(largest, float(difference.max()))
        total += float(difference.mean()) * len(a.prompt_ids)
        agreed += int((a.logits.argmax(-1) == b.logits.argmax(-1)).sum())
        count += len(a.prompt_ids)
    return Distance(largest, total / max(count, 1), agreed / max(count, 1))


@dataclass(frozen=True)
class Witnesses:
    """The answers of the source, of the merged weights in memory, and of those rounded."""

    source: list[Answer]
    merged: list[Answer]
    rounded: list[Answer]


def prove(witnesses: Witnesses, exported: Sequence[Answer], dtype: str) -> Proof:
    """Hold the export's answers against those of everything that it was made from."""
    source = witnesses.source
    apart = distance(source, exported)
    pairs = list(zip(source, exported, strict=True))
    return Proof(
        dtype=dtype,
        bound=BOUND,
        merging=distance(source, witnesses.merged).largest,
        writing=distance(witnesses.rounded, exported).largest,
        max_logit_difference=apart.largest,
        mean_logit_difference=apart.mean,
        same_next_token=apart.same_next_token,
        same_prompt_tokens=all(a.prompt_ids == b.prompt_ids for a, b in pairs),
        same_answers=sum(a.text == b.text for a, b in pairs),
        prompts=len(source),
        answers=[{"prompt": a.prompt, "source": a.text, "export": b.text} for a, b in pairs],
    )
