"""Examples → tensors. Torch enters the data layer here.

Two shapes of batch. *Packed*: all examples behind one another in one row, no padding, with
the lengths of the segments beside it. *Padded*: one row each, for models whose attention
can't be told of segments.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler

from conch.data.example import IGNORED, Example


class ExampleDataset(Dataset[Example]):
    """A list of examples, as torch's DataLoader wants it."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> Example:
        return self.examples[index]


def packed(examples: Sequence[Example]) -> dict[str, Any]:
    """One row of shape [1, T] holding every token of `examples`, and nothing else.

    `position_ids` start anew with each example; `segments` holds the length of each.
    """
    ids = [token for example in examples for token in example.input_ids]
    # The first token of an example has no predecessor in it, so it is never a target.
    labels = [label for example in examples for label in [IGNORED, *example.labels[1:]]]
    positions = [i for example in examples for i in range(len(example))]
    return {
        "input_ids": torch.tensor([ids]),
        "labels": torch.tensor([labels]),
        "position_ids": torch.tensor([positions]),
        "segments": [len(example) for example in examples],
    }


def padded(examples: Sequence[Example], pad_token_id: int) -> dict[str, Any]:
    """One row per example, shape [B, longest], filled up on the right."""
    longest = max(map(len, examples))

    def fill(values: list[int], filler: int) -> list[int]:
        return values + [filler] * (longest - len(values))

    return {
        "input_ids": torch.tensor([fill(example.input_ids, pad_token_id) for example in examples]),
        "labels": torch.tensor([fill([IGNORED, *example.labels[1:]], IGNORED) for example in examples]),
        "attention_mask": torch.tensor([fill([1] * len(example), 0) for example in examples]),
    }


class ShuffledSampler(Sampler[int]):
    """A new order each epoch that depends on the seed and the epoch alone, so a resumed run repeats it."""

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        order = list(range(self.count))
        random.Random(f"{self.seed}:{self.epoch}").shuffle(order)
        return iter(order)
