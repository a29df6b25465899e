"""Rows of examples: never over the limit, nothing lost, nothing doubled, order kept inside of examples."""

from __future__ import annotations

import random
import time
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.data.example import IGNORED, Example
from conch.data.packing import best_fit, block_cuts, blocks
from conch.data.streaming import Blocks, Packed
from conch.data.tokens import Examples
from tests.properties import quick

LIMIT = 20


def made(lengths: list[int]) -> list[Example]:
    """Examples of these lengths in which every token is another one."""
    count = iter(range(1, sum(lengths) + 1))
    found = []
    for length in lengths:
        ids = [next(count) for _ in range(length)]
        found.append(Example(ids, [token if token % 3 else IGNORED for token in ids]))
    return found


lengths = st.lists(st.integers(1, LIMIT), max_size=40)
long_lengths = st.lists(st.integers(1, 5 * LIMIT), min_size=1, max_size=12)


@quick
@given(lengths, st.integers(0, 5))
def test_packing_loses_nothing_doubles_nothing_and_keeps_to_the_limit(found: list[int], seed: int) -> None:
    rows = best_fit(found, LIMIT, seed)
    assert sorted(chain.from_iterable(rows)) == list(range(len(found)))
    assert all(0 < sum(found[index] for index in row) <= LIMIT for row in rows)
    assert best_fit(found, LIMIT, seed) == rows


@quick
@given(lengths)
def test_no_two_rows_would_fit_into_one(found: list[int]) -> None:
    sums = sorted(sum(found[index] for index in row) for row in best_fit(found, LIMIT, 0))
    assert len(sums) < 2 or sums[0] + sums[1] > LIMIT


@quick
@given(lengths)
def test_few_rows_are_needed(found: list[int]) -> None:
    """Best-fit decreasing needs at most 11/9 of the fewest rows, and a few more."""
    fewest = -(-sum(found) // LIMIT)
    assert len(best_fit(found, LIMIT, 0)) <= 11 / 9 * max(fewest, sum(2 * n > LIMIT for n in found)) + 4


def test_the_seed_changes_who_shares_a_row() -> None:
    found = [7] * 40
    assert len({str(best_fit(found, LIMIT, seed)) for seed in range(5)}) == 5


def test_many_examples_are_packed_in_a_moment() -> None:
    chance = random.Random(0)
    found = [chance.randint(1, 2048) for _ in range(100_000)]
    began = time.monotonic()
    rows = best_fit(found, 2048, 0)
    assert time.monotonic() - began < 10
    assert len(rows) < 1.02 * sum(found) / 2048


# texts in blocks


@quick
@given(long_lengths)
def test_blocks_are_full_but_for_the_last_and_hold_every_token_in_order(found: list[int]) -> None:
    examples = made(found)
    cut = Examples.of(examples).cut_at(block_cuts(found, LIMIT))
    rows = [[cut[index] for index in row] for row in blocks(cut.lengths(), LIMIT)]
    sizes = [sum(map(len, row)) for row in rows]
    assert sizes[:-1] == [LIMIT] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= LIMIT
    pieces = [piece for row in rows for piece in row]
    assert list(chain.from_iterable(piece.input_ids for piece in pieces)) == list(range(1, sum(found) + 1))
    assert [label for piece in pieces for label in piece.labels] == [n for e in examples for n in e.labels]
    ends = {sum(found[: i + 1]) for i in range(len(found))}
    assert {piece.input_ids[-1] for piece in pieces} >= ends, "no piece reaches over the end of a document"


def test_a_corpus_shorter_than_a_block_is_kept() -> None:
    cut = Examples.of(made([3, 4])).cut_at(block_cuts([3, 4], LIMIT))
    assert blocks(cut.lengths(), LIMIT) == [[0, 1]]


# the same, of a stream


@quick
@given(long_lengths)
def test_a_stream_is_cut_into_the_same_blocks(found: list[int]) -> None:
    examples = made(found)
    cut = Examples.of(examples).cut_at(block_cuts(found, LIMIT))
    read = [tuple(cut[index] for index in row) for row in blocks(cut.lengths(), LIMIT)]
    assert list(Blocks(LIMIT)(iter(examples))) == read


@pytest.mark.parametrize("count", [0, 1, 7, 300])
def test_a_stream_is_packed_window_by_window(count: int) -> None:
    chance = random.Random(count)
    examples = made([chance.randint(1, LIMIT) for _ in range(count)])
    rows = list(Packed(LIMIT, 0)(iter(examples)))
    assert all(sum(map(len, row)) <= LIMIT for row in rows)
    assert sorted(example.input_ids for row in rows for example in row) == [e.input_ids for e in examples]
