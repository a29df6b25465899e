"""Runs through the real launch path whose workers sleep instead of training."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from conch.config import TrainConfig, load_train
from conch.core import env
from conch.core.events import Event, Phase, Queued, Started
from conch.runs import Run, read_events
from conch.runs.launch import MARK

STUB = Path(__file__).parent / "stub"


def stub_variables() -> dict[str, str]:
    """What turns a worker into one that sleeps."""
    return {"PYTHONPATH": f"{STUB}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", "CONCH_STUB": "1"}


def config(model: Path, rows: Path, **settings: Any) -> TrainConfig:
    values = {"model_name_or_path": str(model), "dataset": str(rows), "max_steps": 1, **settings}
    return load_train(values=values).config


FOREVER = 1_000_000
"""So many steps of a stub that nobody lives to see the last."""
PATIENCE = 300.0
"""Seconds that a test waits for what must come: long, since a busy machine is no failure."""


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until `condition` holds. That it takes long says nothing; that it never comes fails the test."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def kinds(run: Run) -> list[str]:
    return [event.kind for event in read_events(run.events_path)]


def of(run: Run, *types: type[Event]) -> list[Any]:
    return [event for event in read_events(run.events_path) if isinstance(event, types)]


def started(run: Run) -> list[Started]:
    return of(run, Started)


def waited(run: Run) -> list[dict[str, Any]]:
    return [event.facts for event in of(run, Phase) if event.name == "waiting"]


def attempts(run: Run) -> int:
    return len(of(run, Queued))


def processes(runs: list[Run]) -> list[psutil.Process]:
    """Every living process that bears the mark of one of `runs`."""
    folders = {str(run.folder) for run in runs}

    def bears(process: psutil.Process) -> bool:
        try:
            return process.status() != "zombie" and process.environ().get(MARK) in folders
        except (psutil.Error, OSError):
            return False

    return [process for process in psutil.process_iter() if bears(process)]


def leftovers() -> Iterator[Path]:
    """Tickets, claims, marks and temporary names below CONCH_HOME."""
    for path in (env.home() / "queue").rglob("*"):
        if path.is_file():
            yield path
    yield from env.home().rglob(".conch-tmp-*")
    yield from env.home().glob("runs/*/worker.json.*")
