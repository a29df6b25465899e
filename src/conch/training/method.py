"""The seam between the trainer and what is being taught. One file per method under `methods/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from conch.data.example import Example
from conch.data.prepare import Prepared, Progress
from conch.data.template import ChatTemplate
from conch.training.loss import Score


class Method(Protocol):
    """rows → tokens and labels; batch → loss."""

    def prepare(self, template: ChatTemplate, seed: int, progress: Progress | None) -> Prepared:
        """The examples to train and to evaluate on. Raises DataError."""
        ...

    def collate(self, examples: Sequence[Example], *, packed: bool, pad_token_id: int) -> dict[str, Any]:
        """Examples as one batch of tensors."""
        ...

    def score(self, model: torch.nn.Module, batch: dict[str, Any], *, accuracy: bool = False) -> Score:
        """The summed loss over the batch's labels, with its gradient."""
        ...
