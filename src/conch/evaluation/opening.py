"""A model to be examined, by whichever engine: a chat, how it samples, and what the model is."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conch.config.compare import ReadingConfig
from conch.config.model import ModelConfig
from conch.config.output import GenerationConfig
from conch.core.errors import UsageError
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.open import (
    EngineWish,
    LlamaCppWish,
    choose_engine,
    open_chat,
    open_llamacpp,
    sampling_of,
)
from conch.models import outline
from conch.models.fused import fuse
from conch.models.load import load
from conch.models.locate import Located, Request, locate
from conch.models.packed import pack
from conch.runs import store

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Opened:
    """A model that answers."""

    chat: Chat
    sampling: Sampling
    located: Located


@contextmanager
def opened(
    model_config: ModelConfig, reading: ReadingConfig, generation: GenerationConfig, notify: Notify
) -> Iterator[Opened]:
    """A model, in memory until the end of the block. Raises ModelError or ServeError."""
    model = _open(model_config, reading, generation, notify)
    try:
        yield model
    finally:
        model.chat.engine.close()
        del model
        gc.collect()  # two models of a comparison need not fit into memory together


def _open(
    config: ModelConfig, reading: ReadingConfig, generation: GenerationConfig, notify: Notify
) -> Opened:
    located, notices = outline.find(config, notify)
    engine = choose_engine(located, EngineWish(reading.engine, config.trust_remote_code)).engine
    if engine == "transformers":
        loaded = load(config, template=reading.template, notify=notify)
        pack(loaded.model)
        fuse(loaded.model)
        chat = open_chat(loaded, reading.enable_thinking)
        return Opened(chat, sampling_of(loaded, generation), located)
    model = outline.outline(located, config, reading.template, notices)
    chat = open_llamacpp(model, LlamaCppWish(kind="f16"), reading.enable_thinking, notify)
    return Opened(chat, sampling_of(model, generation), located)


def base_of(name: str) -> str:
    """What the model called `name` was tuned from. Raises UsageError where nothing says so."""
    if store.names_run(name) or store.is_called(name):
        return str(store.find(name).flat_config()["model_name_or_path"])
    located = locate(Request(name))
    if not located.adapters:
        raise UsageError("evaluation.no_base", name=name)
    return str(located.folder)
