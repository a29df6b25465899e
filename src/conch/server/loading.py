"""A serve config → the models in memory, under their public names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conch.config import build
from conch.config.model import ModelConfig
from conch.config.output import GenerationConfig
from conch.config.serve import ServeConfig
from conch.core.errors import ServeError
from conch.core.text import tr
from conch.inference.open import open_chat, sampling_of
from conch.models.load import LoadedModel, load
from conch.server.service import Served, Service

Notify = Callable[[str], None]


def open_service(config: ServeConfig, notify: Notify) -> Service:
    """Load the base and every adapter. Raises ModelError, or ServeError where two names are the same.

    Each adapter is a model of its own that shares no weights with the base: simple, and paid for
    with memory. One base under many adapters comes with continuous batching.
    """
    base = _load(config, (), notify)
    name = config.name or base.name
    if name in config.adapters:
        raise ServeError("serving.same_name", name=name)
    models = [replace(_served(name, base, config), aliases=(config.model, base.name))]
    for public, reference in config.adapters.items():
        loaded = _load(config, (reference,), notify)
        models.append(replace(_served(public, loaded, config), parent=name))
    for notice in models[0].chat.template.notices:
        notify(tr("cli.warning", message=notice.message))
    return Service(
        models,
        max_concurrent_requests=config.max_concurrent_requests,
        max_parallel_answers=config.max_parallel_answers,
        request_seconds=config.request_seconds,
    )


def _load(config: ServeConfig, adapters: tuple[str, ...], notify: Notify) -> LoadedModel:
    notify(tr("serving.loading", name=" + ".join((config.model, *adapters))))
    settings = {"model_name_or_path": config.model, "adapter_name_or_path": adapters}
    model = build(ModelConfig, {**settings, "trust_remote_code": config.trust_remote_code})
    loaded = load(model, template=config.template, notify=notify)
    for notice in loaded.notices:
        notify(tr("cli.warning", message=notice.message))
    return loaded


def _served(name: str, loaded: LoadedModel, config: ServeConfig) -> Served:
    sampling = sampling_of(loaded, GenerationConfig(max_new_tokens=config.max_new_tokens))
    return Served(name, open_chat(loaded, config.enable_thinking), sampling)
