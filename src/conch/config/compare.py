"""What two models are compared on, or one is measured on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conch.config.model import ModelConfig
from conch.config.types import Count, Dtype, Names, Node, Size, Str

Metric = Literal["rouge-l", "f1", "bleu-4", "chrf", "exact_match", "loss"]


class RowsConfig(Node):
    """Which rows: a file of prompts, datasets, or (where neither is named) the general examination."""

    prompts: Str | None = None
    dataset: Names = ()
    dataset_dir: Str | None = None
    max_samples: Count | None = None


class ReadingConfig(Node):
    """How a model is read and asked, whichever it is."""

    engine: Literal["transformers", "llamacpp", "auto"] = "transformers"
    infer_dtype: Dtype = "auto"
    template: Str | None = None
    enable_thinking: bool | None = None
    trust_remote_code: bool = False
    max_new_tokens: Count | None = None
    """Unless given, 256, and 48 in the general examination."""

    def model(self, name: str) -> ModelConfig:
        return ModelConfig(
            model_name_or_path=name, infer_dtype=self.infer_dtype, trust_remote_code=self.trust_remote_code
        )


class JudgeConfig(Node):
    """A model behind an OpenAI-compatible address that says which of two answers is better."""

    url: Str = Field(min_length=1)
    model: Str = Field(min_length=1)
    api_key: Str | None = Field(default=None, repr=False)


class CompareConfig(Node):
    a: Str = Field(min_length=1)
    b: Str = Field(min_length=1)
    rows: RowsConfig = RowsConfig()
    reading: ReadingConfig = ReadingConfig()
    metric: Metric | None = None
    """Unless given, ROUGE-L; the general examination has right and wrong."""
    judge: JudgeConfig | None = None
    seed: Size = 42
    """For the order in which a blind reader sees the answers."""
