"""What a long log says in short, without parsing all of it.

Events are found by their marks in the raw bytes, newest first for what is current, so that a
run of 100,000 events opens at once. Every line that a mark leads to is parsed and must be the event
that it looks like: a mark inside of some text is passed over.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from conch.core.events import Event, Metrics
from conch.runs.follow import mark, parse

E = TypeVar("E", bound=Event)
MEASURES = tuple(f.name for f in fields(Metrics) if f.name not in {"t", "swapped_bytes", "rows"})
"""What a newest value is asked of; swapping and rows are told of single steps only."""


class Bytes:
    """The raw bytes of a log, searched line by line."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data

    def first(self, kind: type[E]) -> E | None:
        """The earliest event of a kind."""
        return next(self.all(kind), None)

    def all(self, kind: type[E], since: type[Event] | None = None) -> Iterator[E]:
        """Every event of a kind, earliest first; only those after the newest event of kind `since`."""
        at, wanted = self._after_newest(since) if since else 0, mark(kind)
        while (at := self._data.find(wanted, at)) >= 0:
            begin, at = self._line(at)
            event = parse(self._data[begin:at])
            if isinstance(event, kind):
                yield event

    def any_first(self) -> Event | None:
        """The very first event."""
        at = 0
        while at < len(self._data):
            begin, at = self._line(at)
            event = parse(self._data[begin:at])
            at += 1
            if event is not None:
                return event
        return None

    def any_last(self) -> Event | None:
        """The very last event."""
        return next((event for event, _ in self._backwards(b"{")), None)

    def last(self, kind: type[E], word: bytes | None = None) -> E | None:
        """The newest event of a kind whose line holds `word`."""
        found = (event for event, _ in self._backwards(word or mark(kind)) if isinstance(event, kind))
        return next(found, None)

    def metrics(self) -> dict[str, Any]:
        """The newest known value of each measure, in the order of their first mention in `Metrics`."""
        newest: dict[str, Any] = {}
        for name in MEASURES:
            for event, _ in self._backwards(f'"{name}": '.encode()):
                value = getattr(event, name, None) if isinstance(event, Metrics) else None
                if value is not None:
                    newest[name] = value
                    break
        return newest

    def _after_newest(self, kind: type[Event]) -> int:
        """Where the newest event of a kind ends; 0 where there is none.

        By place and not by time: two events can bear the same millisecond.
        """
        found = (end for event, end in self._backwards(mark(kind)) if isinstance(event, kind))
        return next(found, 0)

    def _backwards(self, word: bytes) -> Iterator[tuple[Event, int]]:
        """Every event whose line holds `word`, newest first, and where that line ends."""
        at = len(self._data)
        while (at := self._data.rfind(word, 0, at)) >= 0:
            begin, end = self._line(at)
            event = parse(self._data[begin:end])
            if event is not None:
                yield event, end
            at = begin

    def _line(self, at: int) -> tuple[int, int]:
        """Where the line around byte `at` begins and ends."""
        end = self._data.find(b"\n", at)
        return self._data.rfind(b"\n", 0, at) + 1, len(self._data) if end < 0 else end


@contextmanager
def open_log(path: Path) -> Iterator[Bytes]:
    """The log at `path`, as it stands now."""
    with _mapped(path) as data:
        yield Bytes(data)


def _mapped(path: Path) -> AbstractContextManager[bytes | mmap.mmap]:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # none, or empty, which can't be mapped
        return nullcontext(b"")
