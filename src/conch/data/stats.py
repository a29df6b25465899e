"""A dataset in figures: how long its rows are, what a cutoff would cost, in which scripts it is written."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from conch.core.errors import DataError
from conch.data.measure import Measure
from conch.data.reading import Opened, judged
from conch.data.rows import Sample
from conch.data.rules import Look
from conch.data.scripts import script_of

CUTOFFS = (256, 512, 1024, 2048, 4096)
_SHARES = (0.5, 0.9, 0.95, 0.99)


@dataclass
class Stats:
    """Figures of the rows that can be trained on; `unread` counts the others."""

    name: str
    format: str
    rows: int = 0
    unread: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    lengths: array[int] = field(default_factory=lambda: array("I"))
    """Tokens of each sequence; a row may become several."""
    trained: int = 0

    def tokens(self) -> int:
        return sum(self.lengths)

    def truncated(self, cutoff_len: int) -> int:
        """How many sequences are longer than `cutoff_len`."""
        return sum(length > cutoff_len for length in self.lengths)

    def quantiles(self) -> dict[str, int]:
        """The length that a share of all sequences does not exceed, by the nearest rank."""
        ordered = sorted(self.lengths)
        if not ordered:
            return {}
        some = {f"p{round(100 * share)}": ordered[ceil(share * len(ordered)) - 1] for share in _SHARES}
        return {"min": ordered[0], **some, "max": ordered[-1]}

    def histogram(self) -> list[tuple[int, int, int]]:
        """Bins of doubling width as (from, up to, count); the empty ones at both ends are left out."""
        edges = [0, *(2**power for power in range(4, 32))]
        counts = Counter(bisect_right(edges, length - 1) for length in self.lengths)
        if not counts:
            return []
        return [
            (edges[place - 1] + 1, edges[place], counts[place])
            for place in range(min(counts), max(counts) + 1)
        ]

    def to_dict(self, cutoffs: Sequence[int]) -> dict[str, Any]:
        tokens = self.tokens()
        return {
            "dataset": self.name,
            "format": self.format,
            "rows": self.rows,
            "unread_rows": self.unread,
            "turns": dict(sorted(self.turns.items())),
            "languages": dict(self.languages.most_common()),
            "sequences": len(self.lengths),
            "tokens": tokens,
            "trained_tokens": self.trained,
            "trained_share": round(self.trained / tokens, 4) if tokens else None,
            "lengths": self.quantiles(),
            "histogram": [{"from": low, "to": high, "count": count} for low, high, count in self.histogram()],
            "truncated": {str(cutoff): self.truncated(cutoff) for cutoff in cutoffs},
        }


def stats(opened: Opened, measure: Measure, told: Callable[[int], None] = lambda _: None) -> Stats:
    """Figures of every row of `opened`, as `measure`'s model would be trained on it.

    `told` hears how many rows were counted so far.
    """
    found = Stats(opened.dataset.name, opened.format.name)
    unread: set[tuple[str, int | None]] = set()
    for sample in judged(opened):
        try:
            if isinstance(sample, DataError):
                raise sample
            _count(found, sample, measure)
            told(found.rows)
        except DataError as error:  # `conch data check` says more of it
            unread.add((str(error.values.get("file")), error.values.get("row")))
    found.unread = len(unread)
    return found


def _count(found: Stats, sample: Sample, measure: Measure) -> None:
    """Add one row. Raises DataError where the template refuses it."""
    examples = measure.examples(sample)
    look = Look(sample)
    found.rows += 1
    found.turns[len(look.turns)] += 1
    found.languages[script_of(look.text)] += 1
    found.lengths.extend(len(example) for example in examples)
    found.trained += sum(example.trained() for example in examples)
