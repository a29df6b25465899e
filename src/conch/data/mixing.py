"""Several datasets → one order, by the rules of `datasets.interleave_datasets`.

One generator for lists and streams, so that streaming mixes as reading everything does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Literal, TypeVar

Strategy = Literal["concat", "interleave_under", "interleave_over"]
ItemT = TypeVar("ItemT")
_DRAWN = 1000
"""How many turns are drawn at once, which fixes the sequence that a seed stands for."""


def mix(
    sources: Sequence[Callable[[], Iterable[ItemT]]],
    strategy: Strategy = "concat",
    probabilities: Sequence[float] = (),
    seed: int = 0,
) -> Iterator[ItemT]:
    """The items of all sources.

    concat: one source after another. interleave_under: in turn (or drawn with `probabilities`)
    until one source is at its end. interleave_over: until every source has been at its end,
    beginning again those that end before. Each source is a function that begins it anew.
    """
    if strategy == "concat":
        for source in sources:
            yield from source()
        return
    opened = [_Repeating(source) for source in sources]
    over = strategy == "interleave_over"
    done = all if over else any
    if not probabilities:
        while not done(one.ended for one in opened):
            for one in opened:
                yield one.take()
        return
    for index in _draws(len(sources), probabilities, seed):
        if done(one.ended for one in opened):
            return
        yield opened[index].take()


class _Repeating(Generic[ItemT]):
    """A source that begins anew at its end. `ended` says whether it has been there."""

    def __init__(self, source: Callable[[], Iterable[ItemT]]) -> None:
        self._source = source
        self._items = iter(source())
        self._next = list(itertools.islice(self._items, 1))
        self.ended = False
        assert self._next, "readers refuse a dataset without rows"

    def take(self) -> ItemT:
        taken = self._next
        self._next = list(itertools.islice(self._items, 1))
        if not self._next:
            self.ended = True
            self._items = iter(self._source())
            self._next = list(itertools.islice(self._items, 1))
        return taken[0]


def _draws(count: int, probabilities: Sequence[float], seed: int) -> Iterator[int]:
    """Indices of sources without end, as NumPy's default generator draws them from `seed`."""
    import numpy  # only mixing by chance needs it, and light commands load this module

    generator = numpy.random.default_rng(seed)
    while True:
        yield from (int(index) for index in generator.choice(count, size=_DRAWN, p=probabilities))
