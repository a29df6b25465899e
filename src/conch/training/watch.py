"""Looking after a CPU's memory while a forward goes on.

A kernel that has no memory left kills without a word; an error can be met (`fitting.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.modeling_layers import GradientCheckpointingLayer

from conch.models.memory import logit_bytes
from conch.runs.machine import memory_available, memory_total
from conch.training import malloc

RESERVE_SHARE, RESERVE_BYTES = 0.02, 128_000_000
"""On a CPU so much stays free: below it the system begins to swap, or to kill."""
LOOK_SECONDS = 0.02


class ShortOfMemoryError(MemoryError):
    """The system has nearly no memory left, so the allocator must not be asked for more."""


@contextmanager
def watching(model: torch.nn.Module, *, chunked: bool = False) -> Iterator[None]:
    """On a CPU, within: look as a forward goes on whether memory is left; raise ShortOfMemoryError if not.

    `chunked` is whether the loss is taken by chunks of the logits.
    """
    if next(model.parameters()).device.type != "cpu":
        yield
        return
    watch = Watch(max(int(RESERVE_SHARE * memory_total()), RESERVE_BYTES), chunked=chunked)
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    hooks = [layer.register_forward_pre_hook(watch.before_layer) for layer in layers]
    head = model.get_output_embeddings()  # type: ignore[operator]
    if head is not None:
        hooks.append(head.register_forward_pre_hook(watch.before_head))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class Watch:
    """Looks at free memory while a forward goes on that a backward will follow."""

    def __init__(
        self, reserve: int, available: Callable[[], int] | None = None, *, chunked: bool = False
    ) -> None:
        self.reserve = reserve
        self.chunked = chunked
        self.available = available or memory_available
        self._looked = 0.0

    def before_layer(self, *_: Any) -> None:
        """Fifty times a second at most."""
        if torch.is_grad_enabled() and time.monotonic() - self._looked >= LOOK_SECONDS:
            self.look(0)
            self._looked = time.monotonic()

    def before_head(self, head: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """The logits and what their loss takes come all at once."""
        weight = getattr(head, "weight", None)
        if torch.is_grad_enabled() and inputs and weight is not None:
            self.look(logit_bytes(inputs[0].shape[:-1].numel(), len(weight), chunked=self.chunked))

    def look(self, needed: int) -> None:
        """Raise ShortOfMemoryError unless `needed` bytes more leave the reserve."""
        if self.available() >= self.reserve + needed:
            return
        malloc.give_back()  # what the heap holds on to is free, too
        if self.available() < self.reserve + needed:
            raise ShortOfMemoryError
