"""Asking a source again, as it asks us to or ever later, a bounded number of times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from conch.models.patience import Patience
from conch.models.pull_events import Report, Waiting
from conch.models.source import SourceFailedError, TryAgainError

T = TypeVar("T")


class StoppedError(Exception):
    """Our own signal: this transfer was told to stop."""


@dataclass(frozen=True)
class Retry:
    """How one source, called `source`, is asked again. `report` hears of each wait; `stop` ends it."""

    source: str
    patience: Patience
    report: Report
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, ask: Callable[[], T]) -> T:
        """What `ask` returns, asked again while it fails in passing. Raises SourceFailedError."""
        for failures in range(1, self.patience.tries + 1):
            try:
                return ask()
            except TryAgainError as error:
                if error.absent or error.stalled or failures == self.patience.tries:
                    raise SourceFailedError(
                        "models.no_answer", source=self.source, reason=error.reason
                    ) from error
                self.pause(error, failures)
        raise AssertionError("unreachable")

    def pause(self, failure: TryAgainError, failures: int) -> None:
        """Wait as the source asks, else longer each time (`failures` in a row so far).

        Raises SourceFailedError where it asks for too much, StoppedError where it is told to stop.
        """
        asked, longest = failure.after, self.patience.longest_wait
        if asked is not None and asked > longest:
            raise SourceFailedError(
                "models.busy", source=self.source, seconds=f"{asked:.0f}", reason=failure.reason
            )
        seconds = asked if asked is not None else self.patience.pause * 2 ** max(0, failures - 1)
        seconds = min(seconds, longest)
        self.report(Waiting(self.source, failure.reason, seconds))
        if self.stop.wait(seconds):
            raise StoppedError
