"""Starting one detached process for each tracker that a run's config asks for."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from conch.config.trackers import TrackersConfig
from conch.core import env
from conch.runs.run import Run
from conch.runs.trackers.tracker import settings_of

ALL = ("tensorboard", "wandb", "swanlab", "mlflow", "trackio")


VARIABLES = {"mlflow": {"MLFLOW_ALLOW_FILE_STORE": "true"}}
"""What a library reads from its environment only. MLflow 3 wants to be asked for its store of plain files."""


def wanted(config: TrackersConfig) -> list[str]:
    """The trackers asked for; `all` is all whose library is here."""
    asked: list[str] = [name for name in config.report_to if name not in {"none", "all"}]
    if "all" in config.report_to:
        asked += [name for name in ALL if importlib.util.find_spec(name)]
    if config.use_swanlab:
        asked.append("swanlab")
    return list(dict.fromkeys(asked))


def start(run: Run, offset: int) -> list[int]:
    """Start the trackers of `run`, fed with its events from byte `offset` on; returns their pids.

    One that can't be started becomes a warning of the run.
    """
    pids = []
    for name in wanted(settings_of(run.flat_config())):
        log = run.folder / "trackers" / f"{name}.log"
        try:
            pids.append(_start(run, name, offset, log))
        except OSError as error:
            reason = error.strerror or str(error)
            run.events.warn("trackers.failed", name=name, reason=reason, log=log)
    return pids


def _start(run: Run, name: str, offset: int, log: Path) -> int:
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "conch.runs.trackers", str(run.folder), name, str(offset)],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env.child_environment(PYTHONUNBUFFERED="1", **VARIABLES.get(name, {})),
        )
    return process.pid
