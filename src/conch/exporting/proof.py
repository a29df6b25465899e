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
from typing import Any, Protocol

import torch

from conch.core.conversation import Message
from conch.exporting.checks import Check, Share, at_least, at_most, share_of
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
    tokens: tuple[int, ...] = ()
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
    same_stop_tokens: bool
    same_answers: int
    prompts: int
    answers: list[dict[str, Any]]
    share: Share | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Greedy text may part ways at a near-tie in a shorter format, so only fp32 must match it."""
        found = [
            at_least("same_prompts", self.same_prompt_tokens, 1),
            at_least("same_stops", self.same_stop_tokens, 1),
            at_most("merging", self.merging, self.bound),
            at_most("writing", self.writing, self.bound),
        ]
        if self.dtype == "float32":
            found.append(at_least("answers", self.same_answers, self.prompts))
        share = self.share.check() if self.share else None
        return (*found, share) if share else tuple(found)

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """JSON knows no infinity: a difference that is not a number is null."""
        own = {key: value for key, value in asdict(self).items() if key != "share"}
        values = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in own.items()
        }
        return {"holds": self.holds, **values, "checks": [check.to_dict() for check in self.checks]}


def ask(loaded: LoadedModel, prompts: Sequence[str] = PROMPTS, *, greedy: bool = True) -> list[Answer]:
    """What a model says to the prompts. A base model without a chat template is asked raw text."""
    ids = [_prompt_ids(loaded, prompt) for prompt in prompts]
    said = _greedy(loaded, ids) if greedy else [()] * len(ids)
    return [
        Answer(prompt, tokens, logits, answer, str(loaded.tokenizer.decode(list(answer))))
        for prompt, tokens, logits, answer in zip(prompts, ids, logits_of(loaded, ids), said, strict=True)
    ]


def follow(loaded: LoadedModel, answers: Sequence[Answer]) -> list[Answer]:
    """What a model says to the same prompts, as far as it says the same, and the first other token.

    It reads prompt and answer at once, and has answered alike if it would have chosen each token of
    them: one pass where `ask` takes one for every token.
    """
    ids = [_prompt_ids(loaded, answer.prompt) for answer in answers]
    if ids != [answer.prompt_ids for answer in answers]:
        return ask(loaded, [answer.prompt for answer in answers])
    read = logits_of(loaded, [answer.prompt_ids + list(answer.tokens) for answer in answers])
    stops = stops_of(loaded)
    return [_as_far(loaded, answer, logits, stops) for answer, logits in zip(answers, read, strict=True)]


def _as_far(loaded: LoadedModel, answer: Answer, logits: torch.Tensor, stops: frozenset[int]) -> Answer:
    begin = len(answer.prompt_ids)
    chosen = [int(token) for token in logits[begin - 1 :].argmax(-1)]
    same = next(
        (at for at, token in enumerate(answer.tokens) if token != chosen[at]),
        len(answer.tokens),
    )
    said = answer.tokens[:same]
    goes_on = same < GREEDY_TOKENS and chosen[same] not in stops
    if goes_on:  # where the answer is all there is, it went on after its end
        said = (*said, chosen[same])
    text = str(loaded.tokenizer.decode(list(said)))
    return Answer(answer.prompt, answer.prompt_ids, logits[:begin].clone(), said, text)


def _prompt_ids(loaded: LoadedModel, prompt: str) -> list[int]:
    if not loaded.has_template():
        return list(loaded.tokenizer.encode(prompt))
    return loaded.template().prompt_ids([Message("user", prompt)])


def stops_of(loaded: LoadedModel) -> frozenset[int]:
    """The tokens that end an answer."""
    if loaded.has_template():
        return loaded.stop_ids()
    end = loaded.tokenizer.eos_token_id
    return frozenset() if end is None else frozenset({end})


def _greedy(loaded: LoadedModel, ids: list[list[int]]) -> list[tuple[int, ...]]:
    stop = stops_of(loaded)
    requests = [Request(tuple(tokens), stop, Sampling(max_new_tokens=GREEDY_TOKENS)) for tokens in ids]
    return [completion.tokens for completion in TransformersEngine(loaded.model).complete(requests)]


@torch.inference_mode()
def logits_of(loaded: LoadedModel, rows: list[list[int]]) -> list[torch.Tensor]:
    """Of all rows in one pass. What fills up the shorter ones stands behind them, where they don't look."""
    device = next(loaded.model.parameters()).device
    width = max(map(len, rows))
    filled = torch.tensor([row + row[-1:] * (width - len(row)) for row in rows], device=device)
    logits = loaded.model(filled, use_cache=False).logits
    return [logits[at, : len(row)].float().cpu() for at, row in enumerate(rows)]


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
    """The answers of the source, and of the merged weights in memory, rounded.

    `merging` is the distance of the source from the merged weights before they were rounded. `base` are
    the answers without the adapter that lies on top, empty where there is none.
    """

    source: list[Answer]
    merging: Distance
    rounded: list[Answer]
    base: list[Answer]
    stops: frozenset[int]


class Source(Protocol):
    """What is exported. It is used up: its adapter is merged into it, and that is rounded."""

    loaded: LoadedModel

    def merge(self) -> None:
        """From now on compute with the adapter merged by peft."""
        ...

    def round(self, dtype: torch.dtype) -> None:
        """From now on compute with what was merged rounded to `dtype`."""
        ...


def hear(source: Source, dtype: str) -> Witnesses:
    """What the source says, and what it says merged and rounded in memory by peft and torch."""
    wanted, base, stops = ask(source.loaded), ask_base(source.loaded), stops_of(source.loaded)
    source.merge()
    merged = ask(source.loaded, greedy=False)
    merging = distance(wanted, merged)
    source.round(getattr(torch, dtype))
    rounded = merged if dtype == "float32" else ask(source.loaded, greedy=False)
    return Witnesses(wanted, merging, rounded, base, stops)


def ask_base(loaded: LoadedModel) -> list[Answer]:
    """What the model says without the adapter on top of it; empty where there is none."""
    model: Any = loaded.model
    if not hasattr(model, "disable_adapter"):
        return []
    with model.disable_adapter():
        return ask(loaded, greedy=False)


def prove(witnesses: Witnesses, exported: Sequence[Answer], stops: frozenset[int], dtype: str) -> Proof:
    """Hold the export's answers, and the `stops` that end them, against those of what it was made from."""
    source = witnesses.source
    apart = distance(source, exported)
    pairs = list(zip(source, exported, strict=True))
    return Proof(
        dtype=dtype,
        bound=BOUND,
        merging=witnesses.merging.largest,
        writing=distance(witnesses.rounded, exported).largest,
        max_logit_difference=apart.largest,
        mean_logit_difference=apart.mean,
        same_next_token=apart.same_next_token,
        same_prompt_tokens=all(a.prompt_ids == b.prompt_ids for a, b in pairs),
        same_stop_tokens=stops == witnesses.stops,
        same_answers=sum(a.tokens == b.tokens for a, b in pairs),
        prompts=len(source),
        answers=[{"prompt": a.prompt, "source": a.text, "export": b.text} for a, b in pairs],
        share=_share(witnesses, exported),
    )


def _share(witnesses: Witnesses, exported: Sequence[Answer]) -> Share | None:
    if not witnesses.base or any(
        a.prompt_ids != b.prompt_ids for a, b in zip(witnesses.source, exported, strict=True)
    ):
        return None
    width = min(witnesses.source[0].logits.shape[1], exported[0].logits.shape[1])
    said, below, found = (
        torch.cat([answer.logits[:, :width] for answer in answers]).numpy()
        for answers in (witnesses.source, witnesses.base, exported)
    )
    return share_of(said, below, found, len(said))
