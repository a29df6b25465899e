"""Diagnosis of a run, and telling it in the run's own events."""

from __future__ import annotations

from typing import Any, TypeVar

from conch.core.events import Diagnosis, Event, Failed, Finished, Stopped
from conch.runs.diagnosis.facts import gather
from conch.runs.diagnosis.finding import Finding
from conch.runs.diagnosis.rules import judge
from conch.runs.follow import read_events
from conch.runs.log import PatientLog
from conch.runs.run import Run

E = TypeVar("E", bound=Event)


def diagnose(run: Run) -> list[Finding]:
    """What the run's events say by now; empty where nothing looks wrong."""
    return judge(gather(read_events(run.events_path), run.flat_config()))


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
