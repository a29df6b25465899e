"""How much of a difference may be chance. Standard library only: reports are read without torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

Interval = tuple[float, float]
Z95 = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


def wilson(successes: float, count: int) -> Interval:
    """95 % interval of a share (Wilson 1927). With halves, as of ties, it is a little wide."""
    if not count:
        return 0.0, 1.0
    share, square = successes / count, Z95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = Z95 * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mean_interval(values: Sequence[float]) -> Interval:
    """95 % interval of a mean, by the normal distribution; endless for fewer than two values."""
    if len(values) < 2:
        return -math.inf, math.inf
    reach = Z95 * stdev(values) / math.sqrt(len(values))
    return fmean(values) - reach, fmean(values) + reach


def sign_test(one: int, other: int) -> float:
    """How likely chance alone divides `one + other` as unevenly or more so, either way (two-sided, exact).

    Of paired right and wrong answers it is McNemar's test.
    """
    count = one + other
    if not count:
        return 1.0
    most = max(one, other)
    tail = sum(math.comb(count, at) for at in range(most, count + 1))
    return min(1.0, float(2 * tail / 2**count))
