"""Gradient norms that leap, and the rows of the step in which one did.

Only then are the rows told: a log of every step's rows would be larger than all else in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median

from conch.core.conversation import Origin

LEAP = 3.0
"""Times the usual norm. A healthy run stays below, and the diagnosis asks for twice as much."""
SETTLED = 5
"""So many norms say what is usual."""
AROUND = 10
MOST_ROWS = 64
"""More rows than anybody looks through."""


class Leaps:
    """Knows the newest norms. `rows` are those of the step at hand."""

    def __init__(self) -> None:
        self._norms: deque[float] = deque(maxlen=AROUND)
        self.rows: tuple[Origin, ...] = ()

    def rows_behind(self, norm: float | None) -> dict[str, list[int]] | None:
        """The rows of this step by file, where its norm leaps; none in any other step."""
        if norm is None:
            return None
        usual = median(self._norms) if len(self._norms) >= SETTLED else norm
        self._norms.append(norm)
        return by_file(self.rows) or None if norm > LEAP * usual else None


def by_file(rows: Iterable[Origin]) -> dict[str, list[int]]:
    """Their numbers in each file, as far as they are not too many."""
    found: dict[str, list[int]] = {}
    for origin in sorted(set(rows), key=lambda row: (row.file, row.row))[:MOST_ROWS]:
        found.setdefault(origin.file, []).append(origin.row)
    return found
