"""The same road as the shell's, in process: `from conch import train, load, chat, export`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conch.config import TrainConfig, load_export, load_train
from conch.config.model import ModelConfig
from conch.core.conversation import Message
from conch.core.errors import TrainingError
from conch.core.events import Failed
from conch.exporting.merge import ExportReport
from conch.exporting.merge import export as _export
from conch.inference.engine import Sampling
from conch.inference.open import open_chat
from conch.models.load import LoadedModel
from conch.models.load import load as _load
from conch.runs import Run, read_events, store
from conch.submit import absolute, check
from conch.worker import execute


class RunFailedError(TrainingError):
    """A run failed; message and hint are those that it told."""

    def __init__(self, failed: Failed) -> None:
        super().__init__("training.failed", message=failed.message, hint=failed.hint)


def train(config: TrainConfig | str | os.PathLike[str] | None = None, **settings: Any) -> Run:
    """Fine-tune in this process and return the finished run.

    `config` is a TrainConfig or a file; `settings` are config keys on top of a file.
    Raises ConfigErrors for settings that can't be used, and RunFailedError where the run fails.
    """
    if not isinstance(config, TrainConfig):
        config = load_train(Path(config) if config is not None else None, values=settings).config
    check(config)
    run = store.create(absolute(config))
    if not execute(run):
        failed = next(e for e in reversed(read_events(run.events_path)) if isinstance(e, Failed))
        raise RunFailedError(failed)
    return run


def load(
    model: str | Run, *, adapter: str | None = None, dtype: str | None = None, **settings: Any
) -> LoadedModel:
    """A model in memory. `model` is anything that names one: hub id, folder, GGUF, run, bundled name."""
    config = ModelConfig(
        model_name_or_path=_reference(model), adapter_name_or_path=(adapter,) if adapter else (), **settings
    )
    return _load(config, dtype=dtype)


def chat(model: LoadedModel | str | Run, prompt: str | Sequence[Message], **sampling: Any) -> str:
    """The model's answer to a question or a conversation; greedy unless `sampling` says more."""
    loaded = model if isinstance(model, LoadedModel) else load(model)
    messages = [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
    return open_chat(loaded).answer(messages, Sampling(**sampling)).text


def export(model: str | Run, to: str | os.PathLike[str], **settings: Any) -> ExportReport:
    """Merge `model` into the folder `to`, with proof. `settings` are export config keys."""
    values = {"model_name_or_path": _reference(model), "export_dir": str(to), **settings}
    return _export(load_export(values=values))


def _reference(model: str | Run) -> str:
    if not isinstance(model, Run):
        return model
    return model.id if store.is_run(model.id) else str(model.output)
