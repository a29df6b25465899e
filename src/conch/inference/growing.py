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
        length = self.keys.shape[-2]
        self._use([buffer[indices] for buffer in self._buffers], length)

    def join(self, other: GrowingLayer, at: int) -> None:
        """The rows of `other` come behind these; the shorter ones are filled up behind their token `at`."""
        width = max(self.keys.shape[-2], other.keys.shape[-2])
        pairs = ((self.keys, other.keys), (self.values, other.values))
        self._use([_behind_one_another(pair, width, at) for pair in pairs], width)

    def replace(self, other: GrowingLayer, rows: torch.Tensor, at: int) -> None:
        """The rows of `other`, which are not longer, come in the place of these, filled up behind `at`."""
        begin = at + self.keys.shape[-2] - other.keys.shape[-2]
        for held, more in ((self.keys, other.keys), (self.values, other.values)):
            held[rows, :, :at] = more[:, :, :at]
            held[rows, :, begin:] = more[:, :, at:]

    def cut(self, at: int, count: int) -> None:
        """From token `at` on, `count` go, of all rows."""
        length = self.keys.shape[-2]
        for buffer in self._buffers:  # the end of what goes becomes room for what stays before it
            buffer[:, :, count : at + count] = buffer[:, :, :at].clone()
        self._use([buffer[:, :, count:] for buffer in self._buffers], length - count)

    def begin_with(self, other: GrowingLayer, rows: int) -> None:
        """Every one of so many rows begins with the one row of `other`."""
        self.dtype, self.device = other.dtype, other.device
        self._hold(other.keys.expand(rows, -1, -1, -1), other.values.expand(rows, -1, -1, -1))
        self.is_initialized = True

    def _hold(self, keys: torch.Tensor, values: torch.Tensor, more: int = 0) -> None:
        length = keys.shape[-2]
        self._use([_roomy(held, length + more + ROOM) for held in (keys, values)], length)

    def _use(self, buffers: list[torch.Tensor], length: int) -> None:
        self._buffers = buffers
        self.keys, self.values = (buffer[:, :, :length] for buffer in buffers)


def _roomy(held: torch.Tensor, room: int) -> torch.Tensor:
    rows, heads, length, size = held.shape
    buffer = held.new_empty(rows, heads, room, size)
    buffer[:, :, :length] = held
    return buffer


def _behind_one_another(parts: Sequence[torch.Tensor], width: int, at: int) -> torch.Tensor:
    rows = sum(len(part) for part in parts)
    _, heads, _, size = parts[0].shape
    buffer, row = parts[0].new_empty(rows, heads, width + ROOM, size), 0
    for part in parts:
        taken, begin = slice(row, row + len(part)), at + width - part.shape[-2]
        buffer[taken, :, :at] = part[:, :, :at]
        buffer[taken, :, at:begin] = 0  # not looked at, but must be numbers
        buffer[taken, :, begin:width] = part[:, :, at:]
        row += len(part)
    return buffer


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
    """All others go; these may be none."""
    for layer in cache.layers:
        layer.batch_select_indices(torch.tensor(rows, dtype=torch.long, device=layer.device))


def begin_with(cache: Any, other: Any, rows: int) -> None:
    """`cache` is empty; every one of its `rows` begins with the one row of `other`."""
    for one, two in zip(cache.layers, other.layers, strict=True):
        one.begin_with(two, rows)


def join(cache: Any, other: Any, at: int) -> None:
    for one, two in zip(cache.layers, other.layers, strict=True):
        one.join(two, at)


def replace(cache: Any, other: Any, rows: Sequence[int], at: int) -> None:
    for one, two in zip(cache.layers, other.layers, strict=True):
        one.replace(two, torch.tensor(rows, device=one.device), at)


def cut(cache: Any, at: int, count: int) -> None:
    for layer in cache.layers:
        layer.cut(at, count)
