"""How a dataset is answered: by `conch predict`, and at the end of a run with `do_predict`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from conch.config.types import Count, Float, Node


def _engine(value: Any) -> Any:
    """`hf` and the engine's own name mean what LLaMA-Factory calls `huggingface`."""
    word = value.strip().lower() if isinstance(value, str) else value
    return "huggingface" if word in {"hf", "transformers"} else word


class PredictionConfig(Node):
    predict_with_generate: bool | None = None
    """What `do_predict` does anyway; false contradicts it."""
    infer_backend: Annotated[Literal["huggingface", "llamacpp", "auto"], BeforeValidator(_engine)] = (
        "huggingface"
    )
    """What computes the answers."""
    max_length: Count | None = None
    """The most tokens of prompt and answer together, where `max_new_tokens` is unset."""
    num_beams: Count = 1
    length_penalty: Float = 1.0
    """What the sum of a beam's log-probabilities is divided by: its length to this power."""

    def engine(self) -> Literal["transformers", "llamacpp", "auto"]:
        return "transformers" if self.infer_backend == "huggingface" else self.infer_backend
