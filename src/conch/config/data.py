"""Which rows, and how they become tokens."""

from __future__ import annotations

from typing import Literal

from conch.config.types import Count, Names, Node, NotNegative, Str


class DataConfig(Node):
    dataset: Names = ()
    eval_dataset: Names = ()
    dataset_dir: Str | None = None
    template: Str | None = None
    default_system: Str | None = None
    cutoff_len: Count = 2048
    max_samples: Count | None = None
    val_size: NotNegative = 0.0
    train_on_prompt: bool = False
    mask_history: bool = False
    mix_strategy: Literal["concat"] = "concat"
