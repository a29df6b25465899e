"""The causal language-model loss, computed only where a label is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy

from conch.data.example import IGNORED
from conch.models.patch import Patch
from conch.training.kernels.cross_entropy import HeadLoss
from conch.training.kernels.step import step


class Score(NamedTuple):
    """What a batch scored: summed negative log-likelihood (nats), labels counted, and hits of the argmax."""

    nll: torch.Tensor
    labels: int
    correct: int


@dataclass
class Tally:
    """Scores summed up over batches."""

    nll: float = 0.0
    labels: int = 0
    correct: int = 0
    rows: int = 0

    def add(self, scored: Score, rows: int) -> None:
        self.nll += float(scored.nll)
        self.labels += scored.labels
        self.correct += scored.correct
        self.rows += rows

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.nll + other.nll,
            self.labels + other.labels,
            self.correct + other.correct,
            self.rows + other.rows,
        )

    def loss(self) -> float:
        """Mean over labels."""
        return self.nll / max(self.labels, 1)


def score(
    model: torch.nn.Module,
    batch: dict[str, Any],
    *,
    accuracy: bool = False,
    head: torch.nn.Linear | None = None,
) -> Score:
    """Score the next-token predictions of a packed or padded batch.

    In a packed row the head computes logits at the labelled positions alone, so no [T, vocabulary]
    tensor is made; where the model's `head` is given, those neither, but a chunk at a time. The loss
    itself is taken in fp32.
    """
    inputs = dict(batch)
    targets = inputs.pop("labels")[:, 1:]
    wanted = targets != IGNORED
    picked = targets[wanted]
    if "segments" not in inputs:
        logits = model(**inputs, use_cache=False).logits[:, :-1][wanted]
        return _score_logits(logits, picked, accuracy)
    positions = wanted[0].nonzero().squeeze(1)
    if head is None:
        logits = model(**inputs, logits_to_keep=positions, use_cache=False).logits[0]
        return _score_logits(logits, picked, accuracy)
    with Patch(head, "forward", _same).applied():
        hidden = model(**inputs, logits_to_keep=positions, use_cache=False).logits[0]
    nll, hits = step(HeadLoss, hidden, head.weight, picked)
    return Score(nll, picked.numel(), int(hits) if accuracy else 0)


def _score_logits(logits: torch.Tensor, picked: torch.Tensor, accuracy: bool) -> Score:
    nll = cross_entropy(logits.float(), picked, reduction="sum")
    correct = int((logits.argmax(-1) == picked).sum()) if accuracy else 0
    return Score(nll, picked.numel(), correct)


def _same(hidden: torch.Tensor) -> torch.Tensor:
    return hidden
