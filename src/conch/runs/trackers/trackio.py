"""Trackio: a local dashboard, or a Space of the hub with `trackio_space_id`."""

from __future__ import annotations

from typing import Any

from conch.runs.trackers.tracker import Subject

LIBRARY = "trackio"


class Adapter:
    def __init__(self, library: Any) -> None:
        self._library = library

    def log(self, values: dict[str, float], step: int) -> None:
        self._library.log(values, step=step)

    def close(self, well: bool) -> None:
        self._library.finish()


def start(library: Any, subject: Subject) -> Adapter:
    library.init(
        project=subject.project,
        name=subject.id if subject.name == subject.id else f"{subject.name} {subject.id}",
        config=dict(subject.config),
        space_id=subject.settings.trackio_space_id,
        resume="allow",
    )
    return Adapter(library)
