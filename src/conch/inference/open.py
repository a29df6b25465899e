"""A loaded model → a chat around the engine that suits it."""

from __future__ import annotations

from dataclasses import replace

from conch.config.output import GenerationConfig
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models.load import LoadedModel


def open_chat(loaded: LoadedModel, thinking: bool | None = None) -> Chat:
    """A chat with `loaded`, with the template and stop rules that training used.

    `thinking` is what the key `enable_thinking` says; unset, the template does as it does by itself.
    """
    template = replace(loaded.template(), thinking=thinking)
    return Chat(TransformersEngine(loaded.model), template, loaded.stop_ids())


def sampling_of(loaded: LoadedModel, asked: GenerationConfig) -> Sampling:
    """The sampling asked for; what is unset comes from the model's own generation config."""
    own = loaded.model.generation_config
    asked_to_draw = asked.samples()
    sampled = bool(own.do_sample) if asked_to_draw is None else asked_to_draw
    temperature = asked.temperature if asked.temperature is not None else (own.temperature or 1.0)
    return Sampling(
        max_new_tokens=asked.max_new_tokens,
        temperature=float(temperature) if sampled else 0.0,
        top_p=float(_first(asked.top_p, own.top_p, 1.0)),
        top_k=int(_first(asked.top_k, own.top_k, 0)),
        repetition_penalty=float(_first(asked.repetition_penalty, own.repetition_penalty, 1.0)),
    )


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
