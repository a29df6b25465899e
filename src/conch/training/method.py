"""The seam between the trainer and what is being taught. One file per method under `methods/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from conch.data.example import Example
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from conch.data.tokenizer import Tokenizer
from conch.data.workers import Progress
from conch.training.loss import Score


class Method(Protocol):
    """rows → tokens and labels; batch → loss."""

    def template(self, tokenizer: Tokenizer) -> ChatTemplate:
        """How rows become text for this method. Raises ModelError where the model has no such way."""
        ...

    def prepare(self, template: ChatTemplate, seed: int, progress: Progress | None) -> Prepared:
        """The examples to train and to evaluate on. Raises DataError."""
        ...

    def collate(self, examples: Sequence[Example], *, packed: bool, pad_token_id: int) -> dict[str, Any]:
        """Examples as one batch of tensors."""
        ...

    def score(
        self,
        model: torch.nn.Module,
        batch: dict[str, Any],
        *,
        accuracy: bool = False,
        head: torch.nn.Linear | None = None,
    ) -> Score:
        """The summed loss over the batch's labels, with its gradient.

        `head` is the model's output layer where it may be fused with the loss.
        """
        ...
