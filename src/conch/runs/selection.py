"""Some of many runs: by state, name and age."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from conch.runs.follow import parse
from conch.runs.run import Run, State

DAY = 86400


def select(
    runs: Iterable[Run],
    *,
    now: float,
    state: State | None = None,
    name: str | None = None,
    since_days: float | None = None,
    limit: int | None = None,
) -> list[Run]:
    """The first `limit` of the `runs` that fit everything asked for, in their order.

    `name` is part of an id or of a run's name, in any case; `since_days` the greatest age at `now`.
    """
    return list(islice(_fitting(runs, now, state, name, since_days), limit))


def _fitting(
    runs: Iterable[Run], now: float, state: State | None, name: str | None, days: float | None
) -> Iterator[Run]:
    for run in runs:
        if name is not None and not _is_called(run, name):
            continue
        if days is not None and created(run) < now - days * DAY:
            continue
        if state is None or run.state() == state:
            yield run


def _is_called(run: Run, part: str) -> bool:
    called = run.flat_config().get("run_name") or ""
    return part.lower() in run.id.lower() or part.lower() in str(called).lower()


def created(run: Run) -> float:
    """When the run was made, from the first line of its events; 0 where that can't be read."""
    try:
        with run.events_path.open("rb") as file:
            first = parse(file.readline())
    except OSError:
        return 0.0
    return first.t if first else 0.0
