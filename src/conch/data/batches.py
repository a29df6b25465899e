"""Examples → tensors. Torch enters the data layer here.

What a dataset gives is a row: the examples that stand behind one another in it, one or, with
`packing`, several. Two shapes of batch. *Packed*: all examples of all rows behind one another
in one row of tensors, no padding, with the lengths of the segments beside it. *Padded*: one
tensor row for each example, for models whose attention can't be told of segments; the
examples of a packed row are taken apart again, so that a batch of them holds as many tensor
rows as there are examples.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from conch.data.example import IGNORED, Example
from conch.data.streaming import Row, Stream


class RowDataset(Dataset[Row]):
    """Rows of examples, as torch's DataLoader wants them: each example by itself, or as `rows` says."""

    def __init__(self, examples: Sequence[Example], rows: Sequence[Sequence[int]] | None = None) -> None:
        self.examples = examples
        self.rows = rows

    def __len__(self) -> int:
        return len(self.examples) if self.rows is None else len(self.rows)

    def __getitem__(self, index: int) -> Row:
        if self.rows is None:
            return (self.examples[index],)
        return tuple(self.examples[place] for place in self.rows[index])


class StreamDataset(IterableDataset[Row]):
    """Rows that are made while they are trained on, without end."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __iter__(self) -> Iterator[Row]:
        worker = get_worker_info()
        if worker is None:
            return iter(self.stream)
        return itertools.islice(self.stream, worker.id, None, worker.num_workers)


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


def count_parts(batch: dict[str, Any]) -> int:
    """How many parts a batch can be computed in one after another: its segments or rows.

    A batch of a form that is not made here is one whole.
    """
    if "segments" in batch:
        return len(batch["segments"])
    return len(batch["input_ids"]) if batch.keys() == {"input_ids", "labels", "attention_mask"} else 1


def cut(batch: dict[str, Any], limit: int | None) -> list[dict[str, Any]]:
    """The batch in parts of at most `limit` tokens (padding counts), none of them empty.

    A segment or row is never cut, so a longer one is a part by itself. The parts hold each label
    once: summed losses and gradients over them are those of the batch.
    """
    if limit is None or batch["input_ids"].numel() <= limit or count_parts(batch) == 1:
        return [batch]
    return _cut_packed(batch, limit) if "segments" in batch else _cut_padded(batch, limit)


def _cut_packed(batch: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    parts, begin = [], 0
    for segments in _evenly_filled(batch["segments"], limit):
        end = begin + sum(segments)
        tensors = {name: batch[name][:, begin:end] for name in batch if name != "segments"}
        parts.append({**tensors, "segments": segments})
        begin = end
    return parts


def _cut_padded(batch: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    rows, width = batch["input_ids"].shape
    parts, begin = [], 0
    for group in _evenly_filled([width] * rows, limit):
        rows_of_it = slice(begin, begin + len(group))
        longest = int(batch["attention_mask"][rows_of_it].sum(dim=1).max())
        parts.append({name: tensor[rows_of_it, :longest] for name, tensor in batch.items()})
        begin += len(group)
    return parts


def _evenly_filled(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """As `_filled`, but with the largest group as small as that number of groups allows."""
    count = len(list(_filled(lengths, limit)))
    low, high = -(-sum(lengths) // count), limit
    while low < high:
        middle = (low + high) // 2
        if len(list(_filled(lengths, middle))) <= count:
            high = middle
        else:
            low = middle + 1
    return _filled(lengths, high)


def _filled(lengths: Sequence[int], limit: int) -> Iterator[list[int]]:
    """The lengths, in order, in groups of at most `limit` together or of one."""
    group: list[int] = []
    for length in lengths:
        if group and sum(group) + length > limit:
            yield group
            group = []
        group.append(length)
    yield group


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
