"""The causal language-model loss, computed only where a label is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy

from conch.data.example import IGNORED


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


def score(model: torch.nn.Module, batch: dict[str, Any], *, accuracy: bool = False) -> Score:
    """Score the next-token predictions of a packed or padded batch.

    In a packed row the head computes logits at the labelled positions alone, so no [T, vocabulary]
    tensor is made. The loss itself is taken in fp32.
    """
    inputs = dict(batch)
    targets = inputs.pop("labels")[:, 1:]
    wanted = targets != IGNORED
    if "segments" in inputs:
        positions = wanted[0].nonzero().squeeze(1)
        logits = model(**inputs, logits_to_keep=positions, use_cache=False).logits[0]
    else:
        logits = model(**inputs, use_cache=False).logits[:, :-1][wanted]
    picked = targets[wanted]
    nll = cross_entropy(logits.float(), picked, reduction="sum")
    correct = int((logits.argmax(-1) == picked).sum()) if accuracy else 0
    return Score(nll, picked.numel(), correct)
