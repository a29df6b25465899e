"""Rows that are held back for evaluation: drawn at random, by a seed, and never trained on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from conch.core.conversation import Origin
from conch.core.errors import DataError
from conch.data.streaming import shuffled

RowT = TypeVar("RowT")


def split(rows: list[RowT], val_size: float, seed: int) -> tuple[list[RowT], list[RowT]]:
    """Take `val_size` (a share below 1, else a count) of the rows out at random, by `seed`.

    Both parts keep the order of the file.
    """
    if not val_size:
        return rows, []
    count = round(len(rows) * val_size) if val_size < 1 else int(val_size)
    count = max(count, 1)
    if count >= len(rows):
        raise DataError("data.val_too_large", val_size=val_size, rows=len(rows))
    chosen = set(random.Random(seed).sample(range(len(rows)), count))
    kept = [row for i, row in enumerate(rows) if i not in chosen]
    taken = [row for i, row in enumerate(rows) if i in chosen]
    return kept, taken


def drawn(rows: Iterable[Any], count: int, buffer_size: int, seed: int) -> list[Any]:
    """`count` rows that come early in a stream's shuffled order: nobody knows how many there are."""
    found: dict[Origin | None, Any] = {}  # a dataset that is begun again gives the same rows again
    for row in shuffled(rows, buffer_size, random.Random(f"{seed}:held out")):
        if len(found) == count:
            break
        found.setdefault(row.origin, row)
    return list(found.values())


def without(rows: Callable[[], Iterator[Any]], origins: frozenset[Origin | None]) -> Iterator[Any]:
    """Rows that come from none of `origins`."""
    return (row for row in rows() if row.origin not in origins)
