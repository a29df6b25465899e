"""How fast a training goes, and how long it will still take."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Counts from where an attempt begins. Times are in seconds of a clock that never goes back."""

    begun: float
    tokens: int
    step: int
    _aside: float = field(default=0.0, init=False)
    """Seconds since the last report that went into something else than training."""
    _marks: list[tuple[int, float]] = field(default_factory=list, init=False)
    """Step and time of each report, the beginning among them."""

    def __post_init__(self) -> None:
        self._last = (self.begun, self.tokens)
        self._marks.append((self.step, self.begun))

    def set_aside(self, seconds: float) -> None:
        """An evaluation took so long: no time to train on tokens in, but one that comes again."""
        self._aside += seconds

    def report(self, now: float, tokens: int, step: int, steps: int) -> tuple[float | None, float | None]:
        """Tokens a second since the last report, and the seconds left of `steps` steps in all.

        The latter by the pace of the later half of what was done, evaluations included: single steps
        differ too much, and what was done long ago may have been done at another speed.
        """
        if step <= self._marks[-1][0]:
            return None, None
        then, before = self._last
        seconds = now - then - self._aside
        self._last, self._aside = (now, tokens), 0.0
        begin, since = self._marks[self._half(step)]
        self._marks.append((step, now))
        if seconds <= 0:
            return None, None
        left = (steps - step) * (now - since) / (step - begin)
        return round((tokens - before) / seconds, 1), round(left, 1)

    def _half(self, step: int) -> int:
        """The place of the last report before the later half of what was done."""
        middle = self.step + (step - self.step) / 2
        return bisect_right(self._marks, middle, key=lambda mark: mark[0]) - 1
