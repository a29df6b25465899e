"""Mixing several datasets, held against a plain reading of what `datasets.interleave_datasets` does."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.data.mixing import mix
from tests.properties import quick


def parts(lengths: list[int]) -> list[list[tuple[int, int]]]:
    """Datasets of these lengths; each item is (dataset, place in it)."""
    return [[(number, place) for place in range(length)] for number, length in enumerate(lengths)]


def mixed(lengths: list[int], strategy: str, shares: list[float] | None = None, seed: int = 0) -> list:
    sources = [part.__iter__ for part in parts(lengths)]
    return list(mix(sources, strategy, shares or (), seed))  # type: ignore[arg-type]


def reference(lengths: list[int], over: bool, shares: list[float], seed: int) -> list[tuple[int, int]]:
    """Index by index, with a generator that draws a thousand turns at a time, as the library does."""
    done = numpy.all if over else numpy.any
    ended, place, found = [False] * len(lengths), [0] * len(lengths), []
    generator = numpy.random.default_rng(seed)
    while True:
        for source in generator.choice(len(lengths), size=1000, p=shares):
            if done(ended):
                return found
            found.append((int(source), place[source]))
            place[source] += 1
            if place[source] >= lengths[source]:
                ended[source], place[source] = True, 0


def test_concat_puts_one_after_another() -> None:
    assert mixed([2, 3], "concat") == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]


def test_in_turn_until_the_shortest_ends() -> None:
    """The example of the library's own documentation: lengths 3, 4, 5."""
    flat = [number * 10 + place for number, place in mixed([3, 4, 5], "interleave_under")]
    assert flat == [0, 10, 20, 1, 11, 21, 2, 12, 22]


def test_in_turn_until_the_longest_ends() -> None:
    flat = [number * 10 + place for number, place in mixed([3, 4, 5], "interleave_over")]
    assert flat == [0, 10, 20, 1, 11, 21, 2, 12, 22, 0, 13, 23, 1, 10, 24]


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@quick
@given(lengths=LENGTHS)
def test_in_turn(lengths: list[int]) -> None:
    under, over = mixed(lengths, "interleave_under"), mixed(lengths, "interleave_over")
    counts = range(len(lengths))
    assert under == [(number, place) for place in range(min(lengths)) for number in counts]
    assert over == [(n, place % lengths[n]) for place in range(max(lengths)) for n in counts]


@quick
@given(lengths=LENGTHS, weights=st.lists(st.integers(1, 5), min_size=4, max_size=4), seed=st.integers(0, 50))
@pytest.mark.parametrize("over", [False, True])
def test_drawn_as_the_library_draws(lengths: list[int], weights: list[int], seed: int, over: bool) -> None:
    chosen = weights[: len(lengths)]
    shares = [weight / sum(chosen) for weight in chosen]
    strategy = "interleave_over" if over else "interleave_under"
    found = mixed(lengths, strategy, shares, seed)
    assert found == reference(lengths, over, shares, seed)
    if over:
        assert set(found) == {item for part in parts(lengths) for item in part}
    else:
        assert max(Counter(found).values()) == 1


def test_shares_are_kept_to() -> None:
    found = mixed([10_000, 10_000], "interleave_under", [0.8, 0.2])
    assert Counter(number for number, _ in found)[0] / len(found) == pytest.approx(0.8, abs=0.02)


def test_no_more_is_read_than_is_asked_for() -> None:
    read: list[int] = []

    def source():
        for number in range(1000):
            read.append(number)
            yield number

    assert list(islice(mix([source, source], "interleave_under"), 6)) == [0, 0, 1, 1, 2, 2]
    assert len(read) < 12
