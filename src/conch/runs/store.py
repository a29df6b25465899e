"""All runs below `CONCH_HOME/runs`: making, finding, listing and removing them."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from conch.core import env
from conch.core.errors import RunError
from conch.core.events import Queued
from conch.core.files import TEMPORARY_PREFIX, expanded, is_file, whole_folder
from conch.runs.log import EventLog
from conch.runs.run import ENDED, Run, told
from conch.runs.trash import throw_away

if TYPE_CHECKING:
    from conch.config.train import TrainConfig


def runs_folder() -> Path:
    return env.home() / "runs"


def create(config: TrainConfig, run_id: str | None = None) -> Run:
    """A new run of `config`, whole on disk, queued. With a `run_id` that exists, that run as it is."""
    from conch.config.load import dump  # listing runs needs no schema

    target = runs_folder() / (run_id or new_id())
    try:
        with whole_folder(target) as folder:
            (folder / "config.yaml").write_text(dump(config), encoding="utf-8")
            EventLog(folder / "events.jsonl").write(Queued, name=config.output.run_name)
    except OSError as error:
        if run_id is None or not is_run(run_id):
            raise RunError(
                "runs.cannot_create", folder=runs_folder(), reason=error.strerror or error
            ) from error
    return Run(target)


def new_id() -> str:
    """A name that no run has: the moment, and letters that tell apart what was made in one second."""
    import secrets

    while True:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        if not (runs_folder() / name).exists():
            return name


def list_runs() -> list[Run]:
    """All runs, newest first."""
    if not runs_folder().is_dir():
        return []
    named = [path for path in runs_folder().iterdir() if not path.name.startswith(TEMPORARY_PREFIX)]
    found = [path for path in named if (path / "config.yaml").is_file()]
    return [Run(path) for path in sorted(found, key=lambda path: path.name, reverse=True)]


def find(name: str) -> Run:
    """The run with this id, unique start of an id, run name, folder, or `latest`.

    Raises RunError where there is none, or more than one.
    """
    folder = expanded(name)
    if is_file(folder / "config.yaml") and is_file(folder / "events.jsonl"):
        return Run(folder.absolute())
    runs = list_runs() if name else []
    if name == "latest" and runs:
        return runs[0]
    exact = [run for run in runs if run.id == name]
    matches = exact or [run for run in runs if run.id.startswith(name)]
    matches = matches or [run for run in runs if run.run_name() == name]
    if not matches:
        raise RunError("runs.unknown", name=name)
    if len(matches) > 1:
        raise RunError("runs.ambiguous", name=name, ids=", ".join(run.id for run in matches[:5]))
    return matches[0]


def names_run(name: str) -> bool:
    """Whether `find` would look for a run: an id, the beginning of one, or `latest`."""
    return is_run(name) or (name == "latest" and bool(list_runs())) or bool(re.match(r"\d{8}-\d", name))


def is_called(name: str) -> bool:
    """Whether some run has this `run_name`. Reads the config of every run."""
    return bool(name) and "/" not in name and any(run.run_name() == name for run in list_runs())


def is_run(name: str) -> bool:
    """Whether `name` is a run's exact id."""
    return bool(name) and "/" not in name and is_file(runs_folder() / name / "config.yaml")


def remove(run: Run) -> None:
    """Move a run's folder to the trash. Raises RunError while it is at work or waits for its turn."""
    state, worker = run.state(), run.worker()
    if state not in ENDED and not (state == "queued" and worker is None):
        raise RunError("runs.busy", name=run.id, state=told(state))
    from conch.runs import requests  # listing runs needs none

    requests.forget(run.id)
    throw_away(run.folder)
