"""What happens while a model is fetched: one small class each, for a shell, a page or a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from conch.core.text import tr


@dataclass(frozen=True)
class PullEvent:
    kind: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Probed(PullEvent):
    """Which sources answered: name to seconds, None for those that did not."""

    kind: ClassVar[str] = "probed"
    seconds: dict[str, float | None]


@dataclass(frozen=True)
class Chosen(PullEvent):
    """The source that is tried now, and why."""

    kind: ClassVar[str] = "chosen"
    source: str
    reason: str


@dataclass(frozen=True)
class Listed(PullEvent):
    """What will be fetched, in bytes; `at_hand` of them are here from an earlier try."""

    kind: ClassVar[str] = "listed"
    source: str
    files: int
    size: int
    at_hand: int
    folder: str


@dataclass(frozen=True)
class Fetched(PullEvent):
    """Progress of one file and of all, in bytes, bytes a second and seconds."""

    kind: ClassVar[str] = "fetched"
    file: str
    done: int
    size: int
    total_done: int
    total: int
    speed: float
    seconds_left: float | None


@dataclass(frozen=True)
class Damaged(PullEvent):
    """A file was not what the hub says it is, and is fetched again."""

    kind: ClassVar[str] = "damaged"
    file: str


@dataclass(frozen=True)
class Waiting(PullEvent):
    """A source is asked again after `seconds`."""

    kind: ClassVar[str] = "waiting"
    source: str
    reason: str
    seconds: float


@dataclass(frozen=True)
class GivenUp(PullEvent):
    """A source failed; the next one is tried, if there is one."""

    kind: ClassVar[str] = "given_up"
    source: str
    reason: str


@dataclass(frozen=True)
class Pulled(PullEvent):
    kind: ClassVar[str] = "pulled"
    source: str
    folder: str
    size: int
    fetched: int
    """Bytes that came over the network this time."""
    seconds: float


Report = Callable[[PullEvent], None]


def sentence(event: PullEvent) -> str | None:
    """An event in words; None for those that only a bar can show."""
    match event:
        case Chosen():
            return tr("models.pull.chosen", source=event.source, reason=event.reason)
        case Damaged():
            return tr("models.pull.damaged", file=event.file)
        case Waiting():
            return tr(
                "models.pull.waiting",
                source=event.source,
                reason=event.reason,
                seconds=f"{event.seconds:.0f}",
            )
        case GivenUp():
            return tr("models.pull.given_up", source=event.source, reason=event.reason)
    return None


class Narrator:
    """Puts events into words for those who only take lines; progress about every ten seconds."""

    def __init__(self, notify: Callable[[str], None], every: float = 10.0) -> None:
        self._notify = notify
        self._every = every
        self._told = time.monotonic()

    def __call__(self, event: PullEvent) -> None:
        text = sentence(event)
        if isinstance(event, Fetched) and time.monotonic() - self._told >= self._every:
            mega = {"done": event.total_done, "total": event.total, "speed": event.speed}
            text = tr("models.pull.progress", **{name: f"{value / 1e6:.0f}" for name, value in mega.items()})
            self._told = time.monotonic()
        if text is not None:
            self._notify(text)
