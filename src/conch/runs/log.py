"""Appending to `events.jsonl`: one line, one write, so that readers never see half an event."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from conch.core import disk
from conch.core.events import Event, Warned
from conch.core.files import append_line
from conch.core.text import tr
from conch.runs.reserve import Reserve

E = TypeVar("E", bound=Event)


class EventLog:
    """A writer of a run's events. `clock` gives seconds since the epoch.

    Where the disk is full, room comes from the run's reserve.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._reserve = Reserve.of(path.parent)

    def write(self, kind: type[E], **values: Any) -> E:
        """Append one event of `kind`, stamped with the time, and return it."""
        event = kind(t=round(self._clock(), 3), **values)
        line = json.dumps(event.to_dict(), ensure_ascii=False, allow_nan=False, default=str) + "\n"
        self._take(line.encode())
        return event

    def warn(self, key: str, **values: Any) -> None:
        """Tell what the text `key` says of `values`."""
        self.write(Warned, message=tr(key, **values), key=key, values=values or None)

    def _take(self, line: bytes) -> None:
        self._append(line)

    def _append(self, line: bytes) -> None:
        while True:
            try:
                append_line(self.path, line)
            except OSError as error:
                if not disk.is_full(error) or not self._reserve.give_up_one():
                    raise
            else:
                return

    def is_short_of_room(self) -> bool:
        """Whether news could only be written at the cost of the reserve, or not at all."""
        return self._reserve.is_touched()

    def deliver(self) -> None:
        """Write what is still owed and lay in the reserve anew. Raises OSError where there is no room."""
        missing = disk.refusal(self.path.parent)
        if missing is not None:
            raise missing
        self._reserve.fill()


class PatientLog(EventLog):
    """A log whose writer must not end with a full disk: what is refused waits in memory for room.

    All that write into one file from one process share what is `owed`, so that the order stays.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.time, owed: list[bytes] | None = None
    ) -> None:
        super().__init__(path, clock)
        self.owed = [] if owed is None else owed

    def _take(self, line: bytes) -> None:
        self.owed.append(line)
        try:
            self._pay()
        except OSError as error:
            if not disk.is_full(error):
                self.owed.clear()
                raise

    def _pay(self) -> None:
        while self.owed:
            self._append(self.owed[0])
            del self.owed[0]

    def is_short_of_room(self) -> bool:
        return bool(self.owed) or super().is_short_of_room()

    def deliver(self) -> None:
        self._pay()
        super().deliver()

    def settle(self, seconds: float, until: Callable[[], bool], pause: float = 1.0) -> None:
        """Before the writer ends: wait so long for the disk to take what is owed, or `until` that is over."""
        end = time.monotonic() + seconds
        while self.owed and time.monotonic() < end and not until():
            time.sleep(pause)
            with suppress(OSError):
                self._pay()
