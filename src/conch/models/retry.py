"""Asking a source again, as it asks us to or ever later, a bounded number of times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from conch.models.patience import Patience
from conch.models.pull_events import Report, Waiting
from conch.models.source import SourceFailedError, TryAgainError

T = TypeVar("T")


class StoppedError(Exception):
    """Our own signal: this transfer was told to stop."""


def patiently(source: str, patience: Patience, report: Report, ask: Callable[[], T]) -> T:
    """What `ask` returns, asked again while it fails in passing. Raises SourceFailedError."""
    for failures in range(1, patience.tries + 1):
        try:
            return ask()
        except TryAgainError as error:
            if error.absent or error.stalled or failures == patience.tries:
                raise SourceFailedError("models.no_answer", source=source, reason=error.reason) from error
            pause(source, error, failures, patience, report, threading.Event())
    raise AssertionError("unreachable")


def pause(
    source: str,
    failure: TryAgainError,
    failures: int,
    patience: Patience,
    report: Report,
    stop: threading.Event,
) -> None:
    """Wait as the source asks, else longer each time. Raises SourceFailedError where it asks for too much."""
    seconds = failure.after if failure.after is not None else patience.pause * 2 ** max(0, failures - 1)
    if failure.after is not None and seconds > patience.longest_wait:
        raise SourceFailedError("models.busy", source=source, seconds=f"{seconds:.0f}", reason=failure.reason)
    seconds = min(seconds, patience.longest_wait)
    report(Waiting(source, failure.reason, seconds))
    if stop.wait(seconds):
        raise StoppedError
