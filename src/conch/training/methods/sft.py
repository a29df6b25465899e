"""Supervised fine-tuning: the answers of the conversations are trained, what led to them is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from conch.config.data import DataConfig
from conch.data import batches
from conch.data.example import Example
from conch.data.prepare import prepare
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from conch.data.tokenizer import Tokenizer
from conch.data.workers import Progress
from conch.training.loss import Score, score


@dataclass(frozen=True)
class SupervisedFineTuning:
    config: DataConfig

    def template(self, tokenizer: Tokenizer) -> ChatTemplate:
        return ChatTemplate.of(tokenizer, self.config.template, self.config.enable_thinking)

    def prepare(self, template: ChatTemplate, seed: int, progress: Progress | None) -> Prepared:
        return prepare(self.config, template, seed, progress)

    def collate(self, examples: Sequence[Example], *, packed: bool, pad_token_id: int) -> dict[str, Any]:
        return batches.packed(examples) if packed else batches.padded(examples, pad_token_id)

    def score(
        self,
        model: torch.nn.Module,
        batch: dict[str, Any],
        *,
        accuracy: bool = False,
        head: torch.nn.Linear | None = None,
    ) -> Score:
        return score(model, batch, accuracy=accuracy, head=head)
