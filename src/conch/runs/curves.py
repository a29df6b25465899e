"""A run's figures as curves: read once, then only what is new, and thinned to what a screen can show."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conch.core.events import Metrics
from conch.runs.follow import mark, objects
from conch.runs.run import Run

Point = tuple[float, float]
SERIES = ("loss", "eval_loss", "learning_rate", "grad_norm", "tokens_per_second", "memory_bytes")
POINTS = 600
"""Of one curve, at most: about one for each column of a chart."""
KEPT = 16
"""Runs whose figures stay in memory."""


def thinned(points: Sequence[Point], most: int = POINTS) -> list[Point]:
    """At most `most` points that show what all show: both ends, and the extremes of each stretch."""
    if len(points) <= most:
        return list(points)
    stretches = max(1, (most - 2) // 2)
    kept: list[Point] = [points[0]]
    for number in range(stretches):
        begin = 1 + number * (len(points) - 2) // stretches
        end = 1 + (number + 1) * (len(points) - 2) // stretches
        part = range(begin, max(end, begin + 1))
        low = min(part, key=lambda at: points[at][1])
        high = max(part, key=lambda at: points[at][1])
        kept += [points[at] for at in sorted({low, high})]
    return [*kept, points[-1]]


@dataclass
class Curves:
    """The curves of one run, as far as its log was read."""

    run: Run
    offset: int = 0
    points: dict[str, list[Point]] = field(default_factory=dict)

    def read_on(self) -> bool:
        """Read what was written since; returns whether there was anything."""
        try:
            size = self.run.events_path.stat().st_size
        except OSError:
            return False
        if size < self.offset:  # another log under the same name
            self.offset, self.points = 0, {}
        if size == self.offset:
            return False
        with self.run.events_path.open("rb") as file:
            file.seek(self.offset)
            data = file.read(size - self.offset)
        whole = data[: data.rfind(b"\n") + 1]
        self.offset += len(whole)
        wanted = mark(Metrics)
        for told in objects([line for line in whole.splitlines() if wanted in line]):
            if told.get("kind") == Metrics.kind and "step" in told:
                self._take(told)
        return bool(whole)

    def _take(self, told: Mapping[str, Any]) -> None:
        """What a line says; making an event of each would take longer than reading it."""
        step = told["step"]
        for name in SERIES:
            value = told.get(name)
            if value is not None:
                own = self.points.setdefault(name, [])
                while own and own[-1][0] >= step:  # a resumed run goes back to its checkpoint
                    own.pop()
                own.append((step, value))

    def shown(self, most: int = POINTS) -> dict[str, list[Point]]:
        """Each curve that there is, thinned."""
        return {name: thinned(own, most) for name, own in self.points.items()}


class Shelf:
    """The curves of the runs that were looked at last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Curves] = OrderedDict()
        self._turn = threading.Lock()

    def curves(self, run: Run) -> Curves:
        """Up to date. One reader at a time: several browsers may look at the same run."""
        with self._turn:
            key = str(run.folder)
            found = self._known.pop(key, None) or Curves(run)
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
            found.read_on()
            return found
