"""Events by attempt: a run that was resumed has several."""

from __future__ import annotations

from collections.abc import Sequence

from conch.core.events import Event, Started


def last_attempt(events: Sequence[Event]) -> Sequence[Event]:
    """The events since the run was started for the last time."""
    starts = [place for place, event in enumerate(events) if isinstance(event, Started)]
    return events[starts[-1] :] if starts else events
