"""How far a download is, how fast, and how long it will take."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from conch.models.pull_events import Fetched, Report
from conch.models.source import RemoteFile

SPEED_SECONDS = 10.0
"""Over how long the speed is measured."""


class Pace(NamedTuple):
    """Seconds since the mark, the speed since then in bytes a second, and how long the rest will take."""

    seconds: float
    speed: float
    seconds_left: float


class Meter:
    """Counts bytes by file, and reports now and then."""

    def __init__(self, every: float, report: Report) -> None:
        self._every = every
        self._report = report
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._told = 0.0
        self._samples: deque[tuple[float, int]] = deque()
        self._mark = (0.0, 0)

    def expect(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Files with their bytes at hand and in all."""
        self._done = {path: done for path, (done, _) in files.items()}
        self._sizes = {path: size for path, (_, size) in files.items()}
        self.mark()
        self._samples.append(self._mark)

    def set(self, file: RemoteFile, done: int) -> None:
        with self._lock:
            self._done[file.path] = done
            now = time.monotonic()
            if now - self._told < self._every and done < file.size:
                return
            self._told = now
            event = self._event(file, done, now)
        self._report(event)

    def mark(self) -> None:
        """Measure the pace from now on."""
        self._mark = time.monotonic(), self._total_done()

    def pace(self) -> Pace:
        """How fast it went since the last mark, whether or not anything has come of late."""
        (began, then), done = self._mark, self._total_done()
        seconds = time.monotonic() - began
        speed = max(0.0, (done - then) / seconds) if seconds > 0 else 0.0
        return Pace(seconds, speed, (self._total() - done) / speed if speed > 0 else math.inf)

    def _event(self, file: RemoteFile, done: int, now: float) -> Fetched:
        total_done, total = self._total_done(), self._total()
        self._samples.append((now, total_done))
        while len(self._samples) > 2 and now - self._samples[0][0] > SPEED_SECONDS:
            self._samples.popleft()
        began, then = self._samples[0]
        speed = max(0.0, (total_done - then) / (now - began)) if now > began else 0.0
        left = (total - total_done) / speed if speed > 0 else None
        return Fetched(file.path, done, file.size, total_done, total, speed, left)

    def _total_done(self) -> int:
        return sum(self._done.values())

    def _total(self) -> int:
        return sum(self._sizes.values())
