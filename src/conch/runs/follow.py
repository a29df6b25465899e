"""Reading events: all of them, or as they come, from any offset."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from conch.core.events import Event, from_dict


def read_events(path: Path) -> list[Event]:
    """Every whole event in the file. A line that a crash cut short is passed over."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return parse_all(data.splitlines())


TAIL = 65536
"""Bytes read from the end of a log to find its newest event."""


def mark(kind: type[Event]) -> bytes:
    """What every line of an event of `kind` holds, as the log writes it."""
    return f'"kind": "{kind.kind}"'.encode()


def read_last(path: Path, *kinds: type[Event]) -> Event | None:
    """The newest event of one of `kinds` near the end, without reading the whole file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            data = file.read()
    except FileNotFoundError:
        return None
    marks = [mark(kind) for kind in kinds if kind.kind]
    for line in reversed(data.splitlines()):
        likely = not marks or any(each in line for each in marks)
        if likely and isinstance(event := parse(line), kinds):
            return event
    return None


def parse(line: bytes) -> Event | None:
    data = _value(line)
    return from_dict(data) if isinstance(data, dict) else None


def parse_all(lines: Sequence[bytes]) -> list[Event]:
    """The events of many lines."""
    return [event for data in objects(lines) if (event := from_dict(data)) is not None]


def objects(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The JSON objects of many lines: parsed at once, which takes a fraction, where every line is whole."""
    written = [line for line in lines if line.strip()]
    try:
        listed = json.loads(b"[" + b",".join(written) + b"]")
    except ValueError:
        listed = []
    if len(listed) != len(written):
        listed = list(map(_value, written))
    return [data for data in listed if isinstance(data, dict)]


def _value(line: bytes) -> Any:
    """What a line holds; None where it holds no JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None


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
        for line in _whole_lines(path, offset):
            offset += len(line)
            event = parse(line)
            if event is not None:
                yield event
        if last_round:
            return
        yield None
        time.sleep(pause)


def _whole_lines(path: Path, offset: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                yield line
    except FileNotFoundError:
        return
