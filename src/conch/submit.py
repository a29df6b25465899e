"""From a config to a run that a worker is at work on: what can be checked at once is checked first.

Light: no torch. The same road for the shell, Python and (later) the browser.
"""

from __future__ import annotations

import os
from pathlib import Path

from conch.config.train import TrainConfig
from conch.core.errors import RunError, UsageError
from conch.core.events import Queued
from conch.data.prepare import read_conversations, split
from conch.data.sources import find_dataset
from conch.models.headers import read_model_files
from conch.models.hub.pypi import STARTERS
from conch.models.locate import Request, find
from conch.runs import store
from conch.runs.launch import launch
from conch.runs.notify import keep, resolve
from conch.runs.run import Run
from conch.training.checkpoint import latest, resumable
from conch.training.prompts import read_prompts


class OutputError(UsageError):
    """The output folder can't take a run."""


def check(config: TrainConfig) -> None:
    """Refuse what is sure to fail: an output folder in use, unreadable rows, a model that isn't there."""
    check_output(config)
    read_prompts(config.samples.sample_prompts)
    resolve(config.notify.notify)
    asked = config.output.resume_from_checkpoint
    if isinstance(asked, str) and asked.lower() != "auto":
        resumable(Path(asked).expanduser())
    for name in (*config.data.dataset, *config.data.eval_dataset):
        find_dataset(name, config.data.dataset_dir)
    rows = read_conversations(config.data.dataset, config.data)
    split(rows, config.data.val_size, config.optimisation.seed)
    read_conversations(config.data.eval_dataset, config.data)
    located = find(Request.of(config.model))
    if located is not None:
        read_model_files(located.folder)
    for name in config.model.adapter_name_or_path:
        find(Request(name))


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
    run = store.create(absolute(config))
    launch(run, token=config.model.hf_hub_token)
    return run


def resume(run: Run, checkpoint: Path | None = None) -> Path:
    """Start a worker that goes on from `checkpoint`, else the newest whole one; returns which it is."""
    state = run.state()
    if state in {"queued", "running", "stopping"}:
        raise RunError("runs.busy", name=run.id, state=state)
    found = checkpoint.expanduser().absolute() if checkpoint else latest(run.output)
    if found is None:
        raise RunError("runs.no_checkpoint", name=run.id, config=run.config_path)
    resumable(found)
    run.stop_path.unlink(missing_ok=True)
    run.claim(os.getpid())  # from here to the worker's first event the run is ours, not an ended one
    run.events.write(Queued)
    launch(run, "--resume", str(found))
    return found


def absolute(config: TrainConfig) -> TrainConfig:
    """The same config with paths that mean the same from any folder."""
    model, data, output = config.model, config.data, config.output
    changes = {
        "model": model.model_copy(
            update={
                "model_name_or_path": _placed_model(model.model_name_or_path),
                "adapter_name_or_path": tuple(map(_placed_model, model.adapter_name_or_path)),
                "cache_dir": _placed(model.cache_dir),
            }
        ),
        "data": data.model_copy(
            update={
                "dataset": tuple(map(_placed_file, data.dataset)),
                "eval_dataset": tuple(map(_placed_file, data.eval_dataset)),
                "dataset_dir": _placed(data.dataset_dir),
                "template": _placed_file(data.template) if data.template else None,
            }
        ),
        "output": output.model_copy(
            update={
                "output_dir": _placed(output.output_dir),
                "resume_from_checkpoint": _placed_checkpoint(output.resume_from_checkpoint),
            }
        ),
        "notify": config.notify.model_copy(update={"notify": keep(config.notify.notify)}),
        "samples": config.samples.model_copy(
            update={"sample_prompts": read_prompts(config.samples.sample_prompts)}
        ),
    }
    return config.model_copy(update=changes)


def _placed(path: str | None) -> str | None:
    return str(Path(path).expanduser().absolute()) if path else None


def _placed_file(name: str) -> str | None:
    """A file's path; a registered name stays as it is."""
    is_path = Path(name).suffix or "/" in name
    return _placed(name) if is_path and Path(name).expanduser().exists() else name


def _placed_model(name: str) -> str | None:
    """A folder's or file's path; a bundled name, a run or a hub id stays as it is."""
    is_name = name in STARTERS or store.names_run(name) or not Path(name).expanduser().exists()
    return name if is_name else _placed(name)


def _placed_checkpoint(asked: str | bool | None) -> str | bool | None:
    return _placed(asked) if isinstance(asked, str) and asked.lower() != "auto" else asked
