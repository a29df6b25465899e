"""From a config to a run that a worker is at work on: what can be checked at once is checked first.

Light: no torch. The same road for the shell, Python and (later) the browser.
"""

from __future__ import annotations

import os
from pathlib import Path

from conch.config.train import TrainConfig
from conch.core.errors import RunError, UsageError
from conch.data.prepare import read_conversations
from conch.data.sources import find_dataset
from conch.models.headers import read_model_files
from conch.models.hub.pypi import STARTERS
from conch.models.locate import Located, Request, locate
from conch.runs import store
from conch.runs.launch import launch
from conch.runs.run import Run


class OutputError(UsageError):
    """The output folder can't take a run."""


def check(config: TrainConfig) -> None:
    """Refuse what is sure to fail: an output folder in use, unreadable rows, a model that isn't there."""
    check_output(config)
    for name in (*config.data.dataset, *config.data.eval_dataset):
        find_dataset(name, config.data.dataset_dir)
    read_conversations(config.data.dataset, config.data)
    read_conversations(config.data.eval_dataset, config.data)
    located = _local(config)
    if located is not None:
        read_model_files(located.folder)


def _local(config: TrainConfig) -> Located | None:
    """The model, where finding it needs neither network nor conversion."""
    reference = config.model.model_name_or_path
    path = Path(reference).expanduser()
    if reference in STARTERS or path.suffix == ".gguf" or not (path.exists() or store.is_run(reference)):
        return None
    return locate(Request.of(config.model))


def check_output(config: TrainConfig) -> None:
    """Raises where `output_dir` holds something already, or can't be written."""
    if config.output.output_dir is None:
        return
    folder = Path(config.output.output_dir).expanduser()
    going_on = config.output.overwrite_output_dir or config.output.resume_from_checkpoint
    if folder.is_dir() and any(folder.iterdir()) and not going_on:
        raise OutputError("training.output_exists", folder=folder)
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        reason = os.strerror(20 if not existing.is_dir() else 13)
        raise OutputError("training.output_unwritable", folder=folder, reason=reason)


def submit(config: TrainConfig) -> Run:
    """Check, write the run down, and start its worker."""
    check(config)
    run = store.create(_absolute(config))
    launch(run, token=config.model.hf_hub_token)
    return run


def resume(run: Run, checkpoint: Path | None = None) -> Path:
    """Start a worker that goes on from `checkpoint`, else the newest whole one; returns which it is."""
    state = run.state()
    if state in {"queued", "running", "stopping"}:
        raise RunError("runs.busy", name=run.id, state=state)
    found = checkpoint or next(iter(reversed(run.checkpoints())), None)
    if found is None:
        raise RunError("runs.no_checkpoint", name=run.id, config=run.config_path)
    launch(run, "--resume", str(found))
    return found


def _absolute(config: TrainConfig) -> TrainConfig:
    """The same config with paths that mean the same from any folder."""
    data = config.data

    def place(name: str) -> str:
        path = Path(name).expanduser()
        return str(path.absolute()) if path.exists() and (path.suffix or "/" in name) else name

    model_path = Path(config.model.model_name_or_path).expanduser()
    is_id = config.model.model_name_or_path in STARTERS or not model_path.exists()
    output_dir = config.output.output_dir
    return config.model_copy(
        update={
            "model": config.model.model_copy(
                update={} if is_id else {"model_name_or_path": str(model_path.absolute())}
            ),
            "data": data.model_copy(
                update={
                    "dataset": tuple(map(place, data.dataset)),
                    "eval_dataset": tuple(map(place, data.eval_dataset)),
                    "dataset_dir": str(Path(data.dataset_dir).expanduser().absolute())
                    if data.dataset_dir
                    else None,
                }
            ),
            "output": config.output.model_copy(
                update={"output_dir": str(Path(output_dir).expanduser().absolute()) if output_dir else None}
            ),
        }
    )
