"""A full disk in the middle of a training: tell, wait for room, go on; or give up resumably. No torch.

Only what may pass is waited for: a full disk or a quota. A disk that is read-only or forbidden is an
error at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conch.core import disk
from conch.core.events import Continued, Paused
from conch.core.text import tr
from conch.runs.log import EventLog

LOOK_SECONDS = 1.0
"""How often a paused run looks for room, and for people who want it to stop."""
LONGEST_WAIT = 60.0
"""Between two tries of a write that failed although there seemed to be room: quotas show in no figure."""
TELL_AGAIN_SECONDS = 1800.0
"""A disk that is full again and again is no news each time."""
MEGA = 1e6


@dataclass(frozen=True)
class Subject:
    """What is to be written, where, and roughly how many bytes it takes."""

    what: str
    folder: Path
    needed: int = 0


class Pauses:
    """Lets writes wait for room on the disk, `minutes` at most; `tell` lets a person know of it."""

    def __init__(
        self,
        log: EventLog,
        wants_stop: Callable[[], bool] = lambda: False,
        minutes: float = 0.0,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self._log, self._wants_stop, self._tell = log, wants_stop, tell
        self.seconds = minutes * 60
        self._told: float | None = None
        self.time_is_up = False
        """Whether some write was given up since the disk stayed full for too long."""
        self.gave_up: OSError | None = None
        """What the disk said to the newest write that was given up."""

    def insist(self, write: Callable[[], object], subject: Subject) -> bool:
        """Do `write`, once more whenever there is room, until it succeeds; whether it did.

        It is given up where somebody wants the run to stop, or the time is up. `write` leaves
        nothing half done. Every error but that of a full disk is raised.
        """
        refused = _try(write, subject)
        if refused is None:
            return True
        began = time.monotonic()
        if not self._is_over(began):
            self._say(subject, refused)
        wait = LOOK_SECONDS
        while self._waited(wait, began):
            if disk.lack_of_room(subject.folder, subject.needed) or disk.refusal(subject.folder):
                continue
            refused = _try(write, subject)
            if refused is None:
                self._log.write(Continued, what=subject.what, seconds=round(time.monotonic() - began, 1))
                return True
            wait = min(2 * wait, LONGEST_WAIT)
        self.gave_up = refused
        return False

    def insist_on_news(self) -> bool:
        """The same for the run's own events, where its disk has no room for them."""
        if not self._log.is_short_of_room():
            return True
        return self.insist(self._log.deliver, Subject(self._log.path.name, self._log.path.parent))

    def _waited(self, seconds: float, began: float) -> bool:
        """Wait; False as soon as waiting is over for good."""
        end = time.monotonic() + seconds
        while not self._is_over(began):
            left = end - time.monotonic()
            if left <= 0:
                return True
            time.sleep(min(LOOK_SECONDS, left))
        return False

    def _is_over(self, began: float) -> bool:
        if self._wants_stop():
            return True
        self.time_is_up = self.time_is_up or time.monotonic() - began >= self.seconds
        return self.time_is_up

    def _say(self, subject: Subject, refused: OSError) -> None:
        free = disk.free_bytes(subject.folder)
        facts = {
            "what": subject.what,
            "folder": subject.folder,
            "reason": refused.strerror,
            "free": "?" if free is None else f"{free / MEGA:.1f}",
            "needed": f"{subject.needed / MEGA:.1f}",
            "minutes": f"{self.seconds / 60:.3g}",
        }
        self._log.write(
            Paused,
            what=subject.what,
            where=str(subject.folder),
            message=tr("training.paused", **facts),
            hint=tr("training.paused.needs" if subject.needed else "training.paused.fix", **facts),
            free=free,
            needed=subject.needed or None,
            until=round(time.time() + self.seconds),
            values=facts,
        )
        if self._told is None or time.monotonic() - self._told > TELL_AGAIN_SECONDS:
            self._told = time.monotonic()
            self._tell()


def _try(write: Callable[[], object], subject: Subject) -> OSError | None:
    """What the full disk said; None where the write is done."""
    short = disk.lack_of_room(subject.folder, subject.needed)
    if short is not None:
        return short
    try:
        with disk.plain_errors(subject.folder):
            write()
    except OSError as error:
        if not disk.is_full(error):
            raise
        return error
    return None
