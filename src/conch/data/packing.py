"""Which examples share a row. Counting only: no token is touched, none is lost, none comes twice."""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left, insort
from collections.abc import Sequence


def best_fit(lengths: Sequence[int], limit: int, seed: int) -> list[list[int]]:
    """Rows of example indices, each row of at most `limit` tokens, no example split.

    Best-fit decreasing (Johnson 1973): longest first, each into the fullest row that has room, so
    that no more than 11/9 of the fewest possible rows are needed (and a few more). Examples of one
    length are taken in an order drawn by `seed`. No length may be over `limit`.
    """
    order = list(range(len(lengths)))
    random.Random(seed).shuffle(order)
    order.sort(key=lambda index: -lengths[index])
    rows: list[list[int]] = []
    waiting: dict[int, list[int]] = {}  # tokens of room → rows that have so many left
    rooms: list[int] = []  # the keys of `waiting`, in order
    for index in order:
        place = bisect_left(rooms, lengths[index])
        if place == len(rooms):
            row, room = len(rows), limit
            rows.append([])
        else:
            room = rooms[place]
            row = waiting[room].pop()
            if not waiting[room]:
                del waiting[room], rooms[place]
        rows[row].append(index)
        left = room - lengths[index]
        if left > 0:
            if left not in waiting:
                waiting[left] = []
                insort(rooms, left)
            waiting[left].append(row)
    return rows


def block_cuts(lengths: Sequence[int], limit: int) -> list[int]:
    """Where documents, put behind one another, are cut into blocks of `limit` tokens."""
    return list(range(limit, sum(lengths), limit))


def blocks(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """Rows of indices of pieces, which follow one another, each row of `limit` tokens but the last.

    The pieces must have been cut at `block_cuts`. What is left over at the end is a row, too.
    """
    ends = itertools.accumulate(lengths)
    rows: list[list[int]] = []
    for index, end in enumerate(ends):
        block = (end - 1) // limit
        if block == len(rows):
            rows.append([])
        rows[-1].append(index)
    return rows
