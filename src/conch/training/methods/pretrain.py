"""Pre-training that goes on: every token of every text is trained, and the end of text behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from conch.config.data import DataConfig
from conch.core.notice import Notice
from conch.data import batches
from conch.data.example import Example
from conch.data.prepare import prepare
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from conch.data.tokenizer import Tokenizer
from conch.data.workers import Progress
from conch.training.loss import Score, score

ABOUT_CHATS = ("template", "enable_thinking", "default_system", "train_on_prompt", "mask_history")
"""Keys that change nothing about plain text."""


@dataclass(frozen=True)
class Pretraining:
    config: DataConfig

    def template(self, tokenizer: Tokenizer) -> ChatTemplate:
        """No chat template is needed; a notice names the settings that are about chats only."""
        defaults = DataConfig()
        unused = [key for key in ABOUT_CHATS if getattr(self.config, key) != getattr(defaults, key)]
        notices = (Notice("training.not_for_text", {"keys": ", ".join(unused)}),) if unused else ()
        return replace(ChatTemplate.for_text(tokenizer), notices=notices)

    def prepare(self, template: ChatTemplate, seed: int, progress: Progress | None) -> Prepared:
        return prepare(self.config, template, seed, progress, stage="pt")

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
