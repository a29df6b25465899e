"""The same road as the shell's, in process: `from conch import train, load, chat, export`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from conch.config import Loaded, TrainConfig, build, load_export, load_train
from conch.config.model import ModelConfig
from conch.config.output import GenerationConfig
from conch.core.conversation import Message
from conch.core.errors import TrainingError
from conch.core.events import Failed, Warned
from conch.core.text import tr
from conch.exporting.merge import ExportReport
from conch.exporting.merge import export as _export
from conch.inference.open import open_chat, sampling_of
from conch.models.load import LoadedModel
from conch.models.load import load as _load
from conch.placing import absolute
from conch.runs import Run, store
from conch.runs.follow import read_last
from conch.runs.queue import Place
from conch.submit import check, provenance_of
from conch.worker import work_here

ANSWER_TOKENS = 512
"""The bound on an answer unless the caller gives one, as in `conch chat`."""


class RunFailedError(TrainingError):
    """A run failed; message and hint are those that it told."""

    def __init__(self, failed: Failed) -> None:
        super().__init__("training.failed", message=failed.message, hint=failed.hint)


def train(config: TrainConfig | str | os.PathLike[str] | None = None, **settings: Any) -> Run:
    """Fine-tune in this process and return the run, which is like any other: it waits for its turn on
    the device, is seen by `conch runs list`, and can be stopped from elsewhere.

    `config` is a TrainConfig or a file; `settings` are config keys on top of it. What is said of
    them stands among the run's events.
    Raises ConfigErrors for settings that can't be used, and RunFailedError where the run fails.
    """
    loaded = _loaded(config, settings)
    check(loaded.config)
    placed = absolute(loaded.config)
    run = store.create(placed)
    for warning in loaded.warnings:
        run.events.write(Warned, message=warning)
    provenance_of(placed).write(run.provenance_path)
    if not work_here(run, placed, partial(_tell_place, run)):
        raise _failure(run)
    return run


def _failure(run: Run) -> TrainingError:
    """What the run told of its failure. A full disk may have taken no word of it."""
    failed = read_last(run.events_path, Failed)
    if isinstance(failed, Failed):
        return RunFailedError(failed)
    return TrainingError("training.untold", run=run.id, folder=run.folder)


def _tell_place(run: Run, place: Place) -> None:
    """A call that does not return should say why."""
    behind = ", ".join(place.behind) or "-"
    words = tr("runs.waits", name=run.id, device=place.device, position=place.position, behind=behind)
    warnings.warn(words, stacklevel=2)


def _loaded(config: TrainConfig | str | os.PathLike[str] | None, settings: dict[str, Any]) -> Loaded:
    if not isinstance(config, TrainConfig):
        return load_train(Path(config) if config is not None else None, values=settings)
    if settings:
        return load_train(values={**config.to_flat(secrets=True), **settings})
    return Loaded(config, {}, ())


def load(
    model: str | Run, *, adapter: str | None = None, dtype: str | None = None, **settings: Any
) -> LoadedModel:
    """A model in memory. `model` is anything that names one: hub id, folder, GGUF, run, bundled name.

    `dtype` is the key `infer_dtype`, `settings` are further keys of a model. Raises ConfigErrors.
    """
    values = {
        "model_name_or_path": _reference(model),
        "adapter_name_or_path": (adapter,) if adapter else None,
        "infer_dtype": dtype,
        **settings,
    }
    loaded = _load(build(ModelConfig, values, tr("config.from_python")))
    for notice in loaded.notices:
        warnings.warn(notice.message, stacklevel=2)
    return loaded


def chat(
    model: LoadedModel | str | Run, prompt: str | Sequence[Message], *, seed: int | None = None, **asked: Any
) -> str:
    """The model's answer to a question or a conversation, drawn as `conch chat` draws it.

    `asked` are generation keys: `max_new_tokens` (512), `temperature` (0 takes the likeliest
    token each time), `top_p`, `top_k`, …. What is not asked for is as the model's own generation
    config says. `seed` makes a drawn answer repeatable. Raises ConfigErrors.
    """
    values = {"max_new_tokens": ANSWER_TOKENS, **asked}
    generation = build(GenerationConfig, values, tr("config.from_python"))
    loaded = model if isinstance(model, LoadedModel) else load(model)
    messages = [Message("user", prompt)] if isinstance(prompt, str) else list(prompt)
    return open_chat(loaded).answer(messages, replace(sampling_of(loaded, generation), seed=seed)).text


def export(model: str | Run, to: str | os.PathLike[str], **settings: Any) -> ExportReport:
    """Merge `model` into the folder `to`, with proof. `settings` are export config keys."""
    values = {"model_name_or_path": _reference(model), "export_dir": str(to), **settings}
    loaded = load_export(values=values)
    for warning in loaded.warnings:
        warnings.warn(warning, stacklevel=2)
    return _export(loaded.config)


def _reference(model: str | Run) -> str:
    if not isinstance(model, Run):
        return model
    return model.id if store.is_run(model.id) else str(model.output)
