"""Examples as tensors: packed and padded."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conch.data.batches import (
    RowDataset,
    ShuffledSampler,
    StreamDataset,
    count_parts,
    cut,
    packed,
    padded,
)
from conch.data.example import IGNORED, Example
from tests.properties import quick

PAD = 0


@st.composite
def examples(draw: st.DrawFn) -> Example:
    ids = draw(st.lists(st.integers(1, 99), min_size=1, max_size=9))
    on = draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    return Example(ids, [token if trained else IGNORED for token, trained in zip(ids, on, strict=True)])


BATCHES = st.lists(examples(), min_size=1, max_size=5)


@quick
@given(BATCHES)
def test_a_packed_batch_holds_every_token_and_nothing_else(batch: list[Example]) -> None:
    made = packed(batch)
    total = sum(map(len, batch))
    assert set(made) == {"input_ids", "labels", "position_ids", "segments"}
    for name in ("input_ids", "labels", "position_ids"):
        assert made[name].shape == (1, total)
        assert made[name].dtype == torch.int64
    assert made["segments"] == [len(example) for example in batch]
    ids, labels, positions = (
        torch.split(made[name][0], made["segments"]) for name in ("input_ids", "labels", "position_ids")
    )
    for example, own_ids, own_labels, own_positions in zip(batch, ids, labels, positions, strict=True):
        assert own_ids.tolist() == example.input_ids
        assert own_positions.tolist() == list(range(len(example)))
        assert own_labels.tolist() == [IGNORED, *example.labels[1:]]


@quick
@given(BATCHES)
def test_a_padded_batch_is_filled_up_on_the_right_and_padding_is_ignored(batch: list[Example]) -> None:
    made = padded(batch, PAD)
    longest = max(map(len, batch))
    assert set(made) == {"input_ids", "labels", "attention_mask"}
    assert {tensor.shape for tensor in made.values()} == {(len(batch), longest)}
    for i, example in enumerate(batch):
        length = len(example)
        assert made["input_ids"][i, :length].tolist() == example.input_ids
        assert made["labels"][i, :length].tolist() == [IGNORED, *example.labels[1:]]
        assert made["attention_mask"][i].tolist() == [1] * length + [0] * (longest - length)
        assert (made["input_ids"][i, length:] == PAD).all()
        assert (made["labels"][i, length:] == IGNORED).all()


@quick
@given(BATCHES)
def test_both_forms_train_the_same_tokens_after_the_same_ones(batch: list[Example]) -> None:
    """Pairs (token, next token to predict), as a shifted loss takes them."""
    one, many = packed(batch), padded(batch, PAD)
    pairs = [
        Counter(
            (int(a), int(b))
            for ids, labels in zip(made["input_ids"], made["labels"], strict=True)
            for a, b in zip(ids[:-1], labels[1:], strict=True)
            if b != IGNORED
        )
        for made in (one, many)
    ]
    assert pairs[0] == pairs[1]
    assert sum(pairs[0].values()) == sum(example.trained() for example in batch)


@pytest.mark.parametrize("shape", ["packed", "padded"])
@quick
@given(BATCHES, st.integers(1, 50))
def test_parts_of_a_batch_hold_every_label_once_and_in_order(
    shape: str, batch: list[Example], limit: int
) -> None:
    whole = packed(batch) if shape == "packed" else padded(batch, PAD)
    parts = cut(whole, limit)
    assert all(part["input_ids"].numel() <= limit or count_parts(part) == 1 for part in parts)
    assert sum(map(count_parts, parts)) == len(batch)
    labels = [label for part in parts for label in part["labels"].flatten().tolist() if label != IGNORED]
    assert labels == [label for label in whole["labels"].flatten().tolist() if label != IGNORED]
    if shape == "packed":
        assert torch.equal(torch.cat([part["position_ids"] for part in parts], 1), whole["position_ids"])
        assert all(sum(part["segments"]) == part["input_ids"].numel() for part in parts)


@pytest.mark.parametrize("lengths", [(9, 1), (4, 4, 4), (2, 7, 1, 3), (30, 1, 1)])
def test_parts_are_about_as_large(lengths: tuple[int, ...]) -> None:
    """No more parts than there must be, and the largest as small as it can be, in the order of the row."""
    batch = packed([Example([1] * length, [1] * length) for length in lengths])
    limit = max(8, *lengths)
    sizes = [part["input_ids"].numel() for part in cut(batch, 8)]
    cuts = [
        [sum(lengths[begin:end]) for begin, end in itertools.pairwise((0, *places, len(lengths)))]
        for count in range(len(lengths))
        for places in itertools.combinations(range(1, len(lengths)), count)
    ]
    fitting = [found for found in cuts if max(found) <= limit]
    fewest = min(map(len, fitting))
    assert len(sizes) == fewest
    if max(lengths) <= 8:
        assert max(sizes) == min(max(found) for found in fitting if len(found) == fewest)


def test_a_batch_of_another_form_is_not_cut() -> None:
    example = Example([1, 2, 3], [IGNORED, 2, 3])
    batch = {**padded([example] * 3, PAD), "chosen": torch.zeros(3)}
    assert cut(batch, 1) == [batch]


def test_making_a_batch_changes_no_example() -> None:
    example = Example([1, 2], [1, 2])
    packed([example])
    padded([example, Example([1, 2, 3], [1, 2, 3])], PAD)
    assert example == Example([1, 2], [1, 2])


# order


@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_every_example_comes_once_an_epoch(count: int) -> None:
    sampler = ShuffledSampler(count, seed=3)
    assert len(sampler) == count
    assert sorted(sampler) == list(range(count))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        sampler = ShuffledSampler(50, seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    orders = {tuple(order(seed, epoch)) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16
    assert tuple(range(50)) not in orders


# rows


def test_a_row_is_one_example_unless_several_share_it() -> None:
    held = [Example([1], [1]), Example([2], [2]), Example([3], [3])]
    plain = RowDataset(held)
    assert (len(plain), plain[1]) == (3, (held[1],))
    packed_rows = RowDataset(held, [[2, 0], [1]])
    assert [packed_rows[i] for i in range(len(packed_rows))] == [(held[2], held[0]), (held[1],)]


def test_workers_of_a_dataloader_share_a_stream() -> None:
    from torch.utils.data import DataLoader

    stream = [(Example([i], [i]),) for i in range(12)]
    loader = DataLoader(StreamDataset(stream), batch_size=None, num_workers=2)  # type: ignore[arg-type]
    found = [row[0].input_ids[0] for row in loader]
    assert sorted(found) == list(range(12))


def test_torch_enters_the_data_layer_here_alone() -> None:
    import ast
    from pathlib import Path

    import conch.data

    users = set()
    for path in Path(conch.data.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.partition(".")[0] in {"torch", "transformers"} for name in named):
                users.add(path.name)
    assert users == {"batches.py"}
