"""Examples made while they are needed, in bounded memory: rows are read, shuffled in a buffer, tokenised.

The order depends on the seed and the pass alone, so a resumed run reads again what it skips and
goes on with the very next row.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from conch.data.example import Example
from conch.data.packing import best_fit

Row = tuple[Example, ...]
"""What stands in one row of a batch."""
Rows = Callable[[Iterable[Example]], Iterator[Row]]
"""How examples are put into rows."""
ItemT = TypeVar("ItemT")
WINDOW = 16
"""How many full rows' worth of examples are packed at once."""


@dataclass
class Stream:
    """Passes over rows without end. `rows` begins one pass; `encode` makes examples; `arrange` fills rows."""

    rows: Callable[[], Iterable[Any]]
    encode: Callable[[Any], list[Example]]
    arrange: Rows
    buffer_size: int
    seed: int
    truncated: int = 0
    """How many examples were cut so far, in this process."""

    def __iter__(self) -> Iterator[Row]:
        for number in itertools.count():
            yield from self.one_pass(number)

    def one_pass(self, number: int) -> Iterator[Row]:
        """The rows of pass `number`, counted from 0."""
        order = shuffled(self.rows(), self.buffer_size, random.Random(f"{self.seed}:{number}"))
        return self.arrange(self._examples(order))

    def _examples(self, rows: Iterable[Any]) -> Iterator[Example]:
        for row in rows:
            for example in self.encode(row):
                self.truncated += example.truncated
                yield example


def shuffled(items: Iterable[ItemT], size: int, chance: random.Random) -> Iterator[ItemT]:
    """Items in an order drawn from a buffer of `size`: whichever is drawn makes room for the next one."""
    buffer: list[ItemT] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = chance.randrange(size)
        yield buffer[place]
        buffer[place] = item
    chance.shuffle(buffer)
    yield from buffer


def singly(examples: Iterable[Example]) -> Iterator[Row]:
    """Each example in a row of its own."""
    for example in examples:
        yield (example,)


@dataclass(frozen=True)
class Packed:
    """Examples packed into rows of at most `limit` tokens, a window of them at a time."""

    limit: int
    seed: int

    def __call__(self, examples: Iterable[Example]) -> Iterator[Row]:
        window: list[Example] = []
        tokens = 0
        for example in examples:
            window.append(example)
            tokens += len(example)
            if tokens >= WINDOW * self.limit:
                yield from self._rows(window)
                window, tokens = [], 0
        yield from self._rows(window)

    def _rows(self, window: Sequence[Example]) -> Iterator[Row]:
        for row in best_fit([len(example) for example in window], self.limit, self.seed):
            yield tuple(window[index] for index in row)


@dataclass(frozen=True)
class Blocks:
    """Texts behind one another, cut into rows of `limit` tokens; what is left at the end is a row, too."""

    limit: int

    def __call__(self, examples: Iterable[Example]) -> Iterator[Row]:
        row: list[Example] = []
        room = self.limit
        for example in examples:
            while len(example) > room:
                row.append(_part(example, 0, room))
                yield tuple(row)
                example, row, room = _part(example, room, len(example)), [], self.limit
            row.append(example)
            room -= len(example)
            if not room:
                yield tuple(row)
                row, room = [], self.limit
        if row:
            yield tuple(row)


def _part(example: Example, start: int, end: int) -> Example:
    return Example(example.input_ids[start:end], example.labels[start:end], example.origin, example.truncated)
