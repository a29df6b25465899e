"""Reading events: all of them, or as they come, from any offset."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from conch.core.events import Event, from_dict


def read_events(path: Path) -> list[Event]:
    """Every whole event in the file. A line that a crash cut short is passed over."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return [event for line in data.splitlines() if (event := parse(line)) is not None]


def parse(line: bytes) -> Event | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return from_dict(data) if isinstance(data, dict) else None


def follow(
    path: Path,
    offset: int = 0,
    ended: Callable[[], bool] = lambda: False,
    pause: float = 0.1,
) -> Iterator[Event | None]:
    """Events from byte `offset` on, as they are written; None whenever there is nothing new.

    Ends once `ended` says so and everything written by then was given. The caller may also
    just stop iterating.
    """
    while True:
        last_round = ended()
        for line, offset in _whole_lines(path, offset):  # noqa: B020 - the offset moves on
            event = parse(line)
            if event is not None:
                yield event
        if last_round:
            return
        yield None
        time.sleep(pause)


def _whole_lines(path: Path, offset: int) -> Iterator[tuple[bytes, int]]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield line, offset
    except FileNotFoundError:
        return
