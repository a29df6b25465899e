"""A model that is held in memory as a whole while it is compared with its export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from conch.models.headers import ModelFiles
from conch.models.load import LoadedModel

SHARE = 1.3
SPARE = 10**9
"""An export takes at most so many times the largest of its shards, and so many bytes more, of memory."""
OWN = 700 * 10**6
"""Bytes of these that the program itself takes, and what models say to the prompts."""
TWICE = 2.2
"""A model takes so many times its weights in fp32: it is merged beside what was read, and rounded."""


def fits_whole(files: ModelFiles, dtype: str, export_size: int) -> bool:
    """Whether the model in fp32 is within what an export in `dtype`, shards of `export_size` GB, may take."""
    width = torch.finfo(getattr(torch, dtype)).bits // 8
    shard = min(export_size * 10**9, files.parameters * width)
    return TWICE * files.parameters * 4 <= SHARE * shard + SPARE - OWN


@dataclass
class Whole:
    """`keeps` is given the model as it is exported: merged, and rounded."""

    loaded: LoadedModel
    keeps: Callable[[LoadedModel], None] = field(default=lambda loaded: None, repr=False)

    def merge(self) -> None:
        model: Any = self.loaded.model
        if hasattr(model, "merge_and_unload"):
            self.loaded = replace(self.loaded, model=model.merge_and_unload(safe_merge=True))

    def round(self, dtype: torch.dtype) -> None:
        self._hold(dtype)
        self.keeps(self.loaded)
        self._hold(torch.float32)

    def _hold(self, dtype: torch.dtype) -> None:
        """Hold the weights in `dtype`. Buffers made anew on loading (rotary frequencies) stay exact."""
        for parameter in self.loaded.model.parameters():
            parameter.data = parameter.data.to(dtype)
        self.loaded.model.config.dtype = dtype
