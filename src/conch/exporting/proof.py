"""Does an export answer as its source does? Fixed prompts, logits and greedy text compared.

The source is computed in fp32. An fp32 export must agree closely; one in a shorter number
format is held to what rounding its weights can cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from conch.core.conversation import Message
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.open import open_chat
from conch.models.load import LoadedModel

PROMPTS = (
    "Who are you?",
    "你是谁？",
    "What is two plus three?",
    "写一句关于海的话。",
    "List three fruits.",
    "The machine says: recipe is empty. What now?",
)
BOUNDS = {"float32": 1e-3, "float16": 0.25, "bfloat16": 2.0}
"""Largest logit difference allowed, by the export's number format."""
GREEDY_TOKENS = 32


@dataclass(frozen=True)
class Answer:
    prompt: str
    prompt_ids: list[int]
    logits: torch.Tensor
    """Next-token logits at every position of the prompt, fp32, shape [tokens, vocabulary]."""
    text: str


@dataclass(frozen=True)
class Proof:
    """What the comparison found."""

    dtype: str
    bound: float
    max_logit_difference: float
    mean_logit_difference: float
    same_next_token: float
    """Share of positions at which both find the same token likeliest."""
    same_prompt_tokens: bool
    same_answers: int
    prompts: int
    answers: list[dict[str, Any]]

    @property
    def holds(self) -> bool:
        """Greedy text may part ways at a near-tie in a shorter format, so only fp32 must match it."""
        close = self.max_logit_difference <= self.bound and self.same_prompt_tokens
        return close and (self.dtype != "float32" or self.same_answers == self.prompts)

    def to_dict(self) -> dict[str, Any]:
        return {"holds": self.holds, **asdict(self)}


def answers(loaded: LoadedModel, prompts: Sequence[str] = PROMPTS) -> list[Answer]:
    """What a model says to the prompts. A base model without a chat template is asked raw text."""
    chat = _chat(loaded)
    texts = _texts(loaded, chat, prompts)
    ids = [list(loaded.tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    greedy = _greedy(loaded, chat, ids)
    return [
        Answer(prompt, tokens, _logits(loaded, tokens), text)
        for prompt, tokens, text in zip(prompts, ids, greedy, strict=True)
    ]


def _chat(loaded: LoadedModel) -> Chat | None:
    return open_chat(loaded) if loaded.tokenizer.chat_template or loaded.template_name else None


def _texts(loaded: LoadedModel, chat: Chat | None, prompts: Sequence[str]) -> list[str]:
    if chat is None:
        return list(prompts)
    return [chat.template.render([Message("user", prompt)]) for prompt in prompts]


def _greedy(loaded: LoadedModel, chat: Chat | None, ids: list[list[int]]) -> list[str]:
    from conch.inference.engine import Request
    from conch.inference.engines.transformers import TransformersEngine

    engine = chat.engine if chat else TransformersEngine(loaded.model)
    stop = chat.stop_ids if chat else frozenset({loaded.tokenizer.eos_token_id or 0})
    sampling = Sampling(max_new_tokens=GREEDY_TOKENS)
    done = engine.complete([Request(tuple(tokens), stop, sampling) for tokens in ids])
    return [str(loaded.tokenizer.decode(list(completion.tokens))) for completion in done]


@torch.inference_mode()
def _logits(loaded: LoadedModel, ids: list[int]) -> torch.Tensor:
    device = next(loaded.model.parameters()).device
    output = loaded.model(torch.tensor([ids], device=device), use_cache=False)
    logits: torch.Tensor = output.logits[0].float().cpu()
    return logits


def compare(source: Sequence[Answer], exported: Sequence[Answer], dtype: str) -> Proof:
    """Hold the export's answers against its source's."""
    largest, total, agreed, count = 0.0, 0.0, 0, 0
    for one, other in zip(source, exported, strict=True):
        width = min(one.logits.shape[1], other.logits.shape[1])
        if one.prompt_ids != other.prompt_ids:
            largest = float("inf")
            continue
        difference = (one.logits[:, :width] - other.logits[:, :width]).abs()
        largest = max(largest, float(difference.max()))
        total += float(difference.mean()) * len(one.prompt_ids)
        agreed += int((one.logits.argmax(-1) == other.logits.argmax(-1)).sum())
        count += len(one.prompt_ids)
    return Proof(
        dtype=dtype,
        bound=BOUNDS[dtype],
        max_logit_difference=largest,
        mean_logit_difference=total / max(count, 1),
        same_next_token=agreed / max(count, 1),
        same_prompt_tokens=all(a.prompt_ids == b.prompt_ids for a, b in zip(source, exported, strict=True)),
        same_answers=sum(a.text == b.text for a, b in zip(source, exported, strict=True)),
        prompts=len(source),
        answers=[
            {"prompt": a.prompt, "source": a.text, "export": b.text}
            for a, b in zip(source, exported, strict=True)
        ],
    )
