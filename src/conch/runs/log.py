"""Appending to `events.jsonl`: one line, one write, so that readers never see half an event."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from conch.core.events import Event

E = TypeVar("E", bound=Event)


class EventLog:
    """The one writer of a run's events. `clock` gives seconds since the epoch."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def write(self, kind: type[E], **values: Any) -> E:
        """Append one event of `kind`, stamped with the time, and return it."""
        event = kind(t=round(self._clock(), 3), **values)
        line = json.dumps(event.to_dict(), ensure_ascii=False, allow_nan=False, default=str) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, self._separator() + line.encode())
        finally:
            os.close(handle)
        return event

    def _separator(self) -> bytes:
        """A newline where a crash left the last line unfinished, so that this event stays whole."""
        try:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                return b"" if file.read(1) == b"\n" else b"\n"
        except OSError:  # empty or new
            return b""
