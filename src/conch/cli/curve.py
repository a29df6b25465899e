"""A curve in the terminal, in block characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_BLOCKS = " ▁▂▃▄▅▆▇█"


def draw(values: Sequence[float], width: int = 60, height: int = 7) -> list[str]:
    """Lines of text with `values` as columns, the largest value at the top, the scale on the left."""
    columns = _resample(values, width)
    low, high = min(columns), max(columns)
    span = (high - low) or 1.0
    levels = [1 + (value - low) / span * (height * 8 - 1) for value in columns]
    lines = []
    for row in range(height - 1, -1, -1):
        cells = "".join(_BLOCKS[max(0, min(8, round(level - row * 8)))] for level in levels)
        scale = {height - 1: f"{high:8.2f}", 0: f"{low:8.2f}"}.get(row, " " * 8)
        lines.append(f"{scale} │{cells}")
    return lines


def _resample(values: Sequence[float], width: int) -> list[float]:
    """At most `width` columns, each the mean of its share of the values."""
    count = min(width, len(values))
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
