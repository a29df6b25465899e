"""Diagnosis of a run, and telling it in the run's own events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from conch.core.events import Diagnosis, Event, Failed, Finished, Started, Stopped
from conch.runs.diagnosis.facts import gather
from conch.runs.diagnosis.finding import Confidence, Finding
from conch.runs.diagnosis.rules import judge
from conch.runs.follow import read_events
from conch.runs.log import PatientLog
from conch.runs.run import Run

E = TypeVar("E", bound=Event)
EXAMINED = frozenset({"forgetting"})
"""Findings that whoever examined the model told, and that can't be found again in the curve."""


def diagnose(run: Run) -> list[Finding]:
    """What the run's events say by now; empty where nothing looks wrong."""
    events = list(read_events(run.events_path))
    return [*judge(gather(events, run.flat_config())), *_examined(events)]


def _examined(events: Sequence[Event]) -> list[Finding]:
    """What an examination of the model found, which no curve says; only of the newest attempt."""
    found: dict[str, Finding] = {}
    for event in events:
        if isinstance(event, Started):
            found.clear()
        if isinstance(event, Diagnosis) and event.key in EXAMINED:
            sure: Confidence = "high" if event.confidence == "high" else "medium"
            found[event.key] = Finding(event.key, sure, event.evidence or {}, event.change or {})
    return list(found.values())


class DiagnosingLog(PatientLog):
    """A run's log that tells the diagnosis before it tells the end, so that who follows hears it."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.events_path, owed=run.events.owed)
        self._run = run

    def write(self, kind: type[E], **values: Any) -> E:
        if kind in (Finished, Failed, Stopped):
            for finding in diagnose(self._run):
                super().write(
                    Diagnosis,
                    message=finding.message,
                    key=finding.key,
                    confidence=finding.confidence,
                    evidence=finding.evidence,
                    change=finding.change or None,
                )
        return super().write(kind, **values)
