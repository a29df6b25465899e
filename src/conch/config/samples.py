"""Answers of the model on its way, to read along."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from conch.config.types import Count, Node, Str


def _one_or_many(value: Any) -> Any:
    """A single text is one prompt: commas belong to it."""
    return (value,) if isinstance(value, str) else value


class SamplesConfig(Node):
    sample_prompts: Annotated[tuple[Str, ...], BeforeValidator(_one_or_many)] = ()
    sample_tokens: Count = 128
