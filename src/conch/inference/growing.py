"""Keys and values of earlier tokens, with room behind them for those of the next.

transformers' own cache copies everything for each token; here it is copied once in a while. Rows that
are done go, and others come while the rest is under way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

ROOM = 64
"""Tokens that there is room for behind what is copied."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """`keys` and `values`, [rows, heads, tokens, size], are the filled parts of buffers."""

    keys: torch.Tensor
    values: torch.Tensor
    is_initialized: bool

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any) -> Any:
        if not self.is_initialized:
            self.dtype, self.device = key_states.dtype, key_states.device
            self._hold(key_states, value_states)
            self.is_initialized = True
            return self.keys, self.values
        begin = self.keys.shape[-2]
        end = begin + key_states.shape[-2]
        if end > self._buffers[0].shape[-2]:
            self._hold(self.keys, self.values, end - begin)
        keys, values = self._buffers
        keys[:, :, begin:end], values[:, :, begin:end] = key_states, value_states
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        self._hold(self.keys[indices], self.values[indices])

    def join(self, other: GrowingLayer) -> None:
        """The rows of `other` come behind these; the shorter ones are filled up in front."""
        width = max(self.keys.shape[-2], other.keys.shape[-2])
        self._hold(_both(self.keys, other.keys, width), _both(self.values, other.values, width))

    def cut(self, count: int) -> None:
        """The first `count` tokens go, of all rows."""
        self._hold(self.keys[:, :, count:], self.values[:, :, count:])

    def _hold(self, keys: torch.Tensor, values: torch.Tensor, more: int = 0) -> None:
        length = keys.shape[-2]
        self._buffers = tuple(_roomy(held, length + more + ROOM) for held in (keys, values))
        self.keys, self.values = (buffer[:, :, :length] for buffer in self._buffers)


def _roomy(held: torch.Tensor, room: int) -> torch.Tensor:
    rows, heads, length, size = held.shape
    buffer = held.new_empty(rows, heads, room, size)
    buffer[:, :, :length] = held
    return buffer


def _both(one: torch.Tensor, two: torch.Tensor, width: int) -> torch.Tensor:
    return torch.cat([_filled(one, width), _filled(two, width)])


def _filled(held: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(held, (0, 0, width - held.shape[-2], 0))


def growing_cache(config: Any) -> DynamicCache:
    """An empty cache for a model of `config`. Layers of other kinds are as transformers has them."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def takes_rows(cache: Any) -> bool:
    """Whether rows can come while others are under way."""
    return bool(cache.layers) and all(isinstance(layer, GrowingLayer) for layer in cache.layers)


def loses_rows(cache: Any) -> bool:
    """Whether rows can go while others are under way."""
    kinds = (GrowingLayer, DynamicSlidingWindowLayer)
    return bool(cache.layers) and all(isinstance(layer, kinds) for layer in cache.layers)


def keep_rows(cache: Any, rows: Sequence[int]) -> None:
    for layer in cache.layers:
        layer.batch_select_indices(torch.tensor(rows, device=layer.device))


def join(cache: Any, other: Any) -> None:
    for one, two in zip(cache.layers, other.layers, strict=True):
        one.join(two)


def cut(cache: Any, count: int) -> None:
    for layer in cache.layers:
        layer.cut(count)
