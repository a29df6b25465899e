"""A loaded model → a chat around the engine that suits it."""

from __future__ import annotations

from conch.config.output import GenerationConfig
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models.load import LoadedModel


def open_chat(loaded: LoadedModel) -> Chat:
    """A chat with `loaded`, with the template and stop rules that training used."""
    return Chat(TransformersEngine(loaded.model), loaded.template(), loaded.stop_ids())


def sampling_of(loaded: LoadedModel, asked: GenerationConfig) -> Sampling:
    """The sampling asked for; what is unset comes from the model's own generation config."""
    own = loaded.model.generation_config
    sampled = asked.do_sample if asked.do_sample is not None else bool(own.do_sample)
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
