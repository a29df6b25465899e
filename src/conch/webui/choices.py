"""What can be chosen where a model is asked for: models, runs and their checkpoints."""

from __future__ import annotations

import time
from pathlib import Path

from conch.core.errors import ConchError, RunError
from conch.core.text import tr
from conch.models import inventory
from conch.models.locate import Request, find
from conch.runs import Run, store
from conch.runs.checkpoints import step_of

RUNS = 50
"""The newest runs that are offered; any other can be typed."""


def models() -> list[tuple[str, str]]:
    """Text to reference: runs with a model first, since they are what one wants to try, then models."""
    return [*(pair for run in store.list_runs()[:RUNS] for pair in _of_run(run)), *bases()]


def bases() -> list[tuple[str, str]]:
    return [(entry.name, entry.name) for entry in inventory.entries() if entry.folder is not None]


def _of_run(run: Run) -> list[tuple[str, str]]:
    """The run's own model, and its checkpoints."""
    name = title(run)
    found = [(name, run.id)] if has_model(run.output) else []
    steps = [(step_of(folder), str(folder)) for folder in reversed(run.checkpoints())]
    return found + [(tr("studio.checkpoint", run=name, step=step), folder) for step, folder in steps]


def has_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("config.json", "adapter_config.json"))


def is_adapter(reference: str) -> bool:
    """Whether a run's or a checkpoint's model is an adapter."""
    folder = store.find(reference).output if store.is_run(reference) else Path(reference)
    return (folder / "adapter_config.json").is_file()


def title(run: Run) -> str:
    """A run for a person: its name, and when it was begun."""
    name = run.run_name()
    return f"{name} · {_moment(run)}" if name else run.id


def _moment(run: Run) -> str:
    try:
        return time.strftime("%m-%d %H:%M", time.strptime(run.id[:15], "%Y%m%d-%H%M%S"))
    except ValueError:
        return run.id


def name_of(model: str) -> str:
    """A model for a person: a run by its name, a checkpoint by run and step."""
    try:
        if store.is_run(model):
            return title(store.find(model))
        folder = Path(model)
        if step_of(folder) >= 0 and folder.parent.name == "output":
            run = title(store.find(folder.parent.parent.name))
            return tr("studio.checkpoint", run=run, step=step_of(folder))
    except RunError:
        return model
    return Path(model).name if model.startswith("/") else model


def base_of(reference: str) -> str | None:
    """What a model was tuned from, as it can be named here; None where that is not known."""
    try:
        if store.names_run(reference) or store.is_called(reference):
            return str(store.find(reference).flat_config()["model_name_or_path"])
        located = find(Request(reference))
    except ConchError:
        return None
    return str(located.folder) if located is not None and located.adapters else None
