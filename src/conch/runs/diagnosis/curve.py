"""The few statistics that the rules need, without numpy: reading a run must stay light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

NORMAL = 1.4826
"""A normal deviation over its median absolute one."""
MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for normal noise."""


def noise(values: Sequence[float]) -> float:
    """Standard deviation of the point-to-point noise, blind to slow change and to single outliers."""
    steps = [abs(b - a) for a, b in pairwise(values)]
    return NORMAL * median(steps) / math.sqrt(2) if steps else 0.0


def part(values: Sequence[float], start: float, end: float) -> list[float]:
    """The values from share `start` to share `end` of the curve, at least one."""
    first = min(int(len(values) * start), len(values) - 1)
    return list(values[first : max(first + 1, math.ceil(len(values) * end))])


def level(values: Sequence[float], start: float, end: float) -> float:
    """The median over a part of the curve."""
    return median(part(values, start, end))


def error(values: Sequence[float], start: float, end: float) -> float:
    """Standard error of `level`."""
    return MEDIAN_ERROR * noise(values) / math.sqrt(len(part(values, start, end)))


def blocks(values: Sequence[float], count: int = 8) -> list[float]:
    """Medians of `count` equal stretches (fewer where there are fewer values)."""
    count = min(count, len(values))
    return [level(values, i / count, (i + 1) / count) for i in range(count)]


def trend(values: Sequence[float]) -> tuple[float, float]:
    """The change over the whole stretch by a straight line, and that change in standard errors."""
    n = len(values)
    if n < 3:
        return 0.0, 0.0
    middle, mean = (n - 1) / 2, fmean(values)
    spread = sum((i - middle) ** 2 for i in range(n))
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(values)) / spread
    rest = sum((value - mean - slope * (i - middle)) ** 2 for i, value in enumerate(values))
    deviation = math.sqrt(rest / (n - 2) / spread)
    change = slope * (n - 1)
    return change, abs(slope) / deviation if deviation else math.inf
