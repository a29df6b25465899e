"""Which rows, and how they become tokens."""

from __future__ import annotations

from typing import Literal

from pydantic import PrivateAttr

from conch.config.types import Count, Names, Node, NotNegative, Shares, Str
from conch.core.hubs import NO_TOKENS, Tokens


class DataConfig(Node):
    dataset: Names = ()
    eval_dataset: Names = ()
    dataset_dir: Str | None = None
    dataset_source: Str | None = None
    template: Str | None = None
    enable_thinking: bool | None = None
    default_system: Str | None = None
    cutoff_len: Count = 2048
    packing: bool | None = None
    neat_packing: bool = False
    max_samples: Count | None = None
    val_size: NotNegative = 0.0
    eval_on_each_dataset: bool = False
    train_on_prompt: bool = False
    mask_history: bool = False
    mix_strategy: Literal["concat", "interleave_under", "interleave_over"] = "concat"
    interleave_probs: Shares = ()
    streaming: bool = False
    buffer_size: Count = 16384
    tokenized_path: Str | None = None
    overwrite_cache: bool = False
    preprocessing_num_workers: Count | None = None
    _tokens: Tokens = PrivateAttr(default=NO_TOKENS)  # no key: neither shown, nor dumped, nor kept

    @property
    def tokens(self) -> Tokens:
        """What hubs are sent: the model's, see `TrainConfig.rows`."""
        return self._tokens

    def with_tokens(self, tokens: Tokens) -> DataConfig:
        copy = self.model_copy()
        copy._tokens = tokens
        return copy

    def packs(self, stage: str) -> bool:
        """Whether examples share rows of `cutoff_len` tokens; plain text does by default."""
        if self.packing is None:
            return self.neat_packing or stage == "pt"
        return self.packing or self.neat_packing
