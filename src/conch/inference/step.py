"""Rows that are computed together, and the inputs of their next forward pass.

Prompts are filled up on the left, so that the newest tokens of all rows stand in one column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from conch.inference.growing import begin_with, cut, join, keep_rows, loses_rows, replace, takes_rows
from conch.inference.rows import Prefix, Row

REFILL = 8
"""Rows that are finished go where they are at least such a part of all."""


@dataclass(frozen=True)
class Inputs:
    """Of one forward pass. `cache` holds what was read before, and takes what is read now."""

    tokens: torch.Tensor
    """[rows, columns]"""
    mask: torch.Tensor
    """[rows, columns read so far and now]: 1 for tokens, 0 for what only fills up."""
    positions: torch.Tensor
    cache: Any
    adapter: str | None


class Step:
    """First the prompts of its rows are read, part by part; then every pass adds a token to each."""

    def __init__(self, rows: Sequence[Row], prefix: Prefix | None, cache: Any, device: torch.device) -> None:
        self.rows = list(rows)
        self.adapter = rows[0].ask.adapter
        self.cache = cache
        self.shared = len(prefix.tokens) if prefix else 0
        """How many columns all rows begin with alike."""
        own = [row.request.prompt[self.shared :] for row in rows]
        longest = max(map(len, own))
        self._unread = torch.tensor([[0] * (longest - len(p)) + list(p) for p in own], device=device)
        mask = [[1] * self.shared + [0] * (longest - len(p)) + [1] * len(p) for p in own]
        self.mask = torch.tensor(mask, device=device)
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self._chosen: list[int] = []
        if prefix:
            begin_with(cache, prefix.cache, len(rows))

    @property
    def live(self) -> list[int]:
        """The places of the rows that go on."""
        return [place for place, row in enumerate(self.rows) if not row.finished]

    @property
    def reading(self) -> bool:
        """Whether prompts are not read to their end."""
        return self._unread.shape[1] > 0

    def inputs(self, most: int) -> Inputs:
        """The next `most` tokens of prompts, counted over all rows, or the tokens that were chosen last."""
        if not self.reading:
            return self._inputs(self._newest(), self.mask.shape[1])
        count = max(1, most // len(self.rows)) if loses_rows(self.cache) else self._unread.shape[1]
        tokens, self._unread = self._unread[:, :count], self._unread[:, count:]
        return self._inputs(tokens, self.mask.shape[1] - self._unread.shape[1])

    def _newest(self) -> torch.Tensor:
        """Rows that are finished and still here go on with a token that nobody reads."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.rows), 1)], dim=1)
        self.positions = self.positions[:, -1:] + 1
        return torch.tensor(self._chosen, device=self.mask.device)[:, None]

    def _inputs(self, tokens: torch.Tensor, end: int) -> Inputs:
        last = self.positions.shape[1] - self._unread.shape[1]
        positions = self.positions[:, last - tokens.shape[1] : last]
        return Inputs(tokens, self.mask[:, :end], positions, self.cache, self.adapter)

    def advance(self, logits: torch.Tensor) -> None:
        """Choose the next tokens from logits of shape [rows, vocabulary], and tell those who asked."""
        likeliest = logits.argmax(-1).tolist()
        self._chosen = [row.pick(*found) for row, *found in zip(self.rows, logits, likeliest, strict=True)]
        for row, token, found in zip(self.rows, self._chosen, logits, strict=True):
            row.advance(token, found)

    def fail(self, error: BaseException) -> None:
        for row in self.rows:
            row.fail(error)

    def takes(self, more: Step) -> bool:
        """Whether rows whose prompts were read can go on with these."""
        return self.adapter == more.adapter and takes_rows(self.cache) and not self.reading

    def join(self, more: Step) -> None:
        """They take the places of rows that are finished, where there are enough; else all are copied."""
        self.shared = min(self.shared, more.shared)
        live = self.live
        free = [place for place in range(len(self.rows)) if place not in set(live)]
        if len(free) >= len(more.rows) and more.mask.shape[1] <= self.mask.shape[1]:
            self._replace(free[: len(more.rows)], more)
        else:
            self._keep(live)
            self._append(more)
        self._narrow()

    def _replace(self, places: list[int], more: Step) -> None:
        replace(self.cache, more.cache, places, self.shared)
        self.mask[places] = _wider(more.mask, self.mask.shape[1], self.shared)
        self.positions = self.positions[:, -1:].clone()
        self.positions[places] = more.positions[:, -1:]
        for place, row, token in zip(places, more.rows, more._chosen, strict=True):
            self.rows[place], self._chosen[place] = row, token

    def _append(self, more: Step) -> None:
        width = max(self.mask.shape[1], more.mask.shape[1])
        self.mask = torch.cat([_wider(mask, width, self.shared) for mask in (self.mask, more.mask)])
        self.positions = torch.cat([self.positions[:, -1:], more.positions[:, -1:]])
        join(self.cache, more.cache, self.shared)
        self.rows, self._chosen = self.rows + more.rows, self._chosen + more._chosen

    def shed(self) -> None:
        """Let go of rows that are finished. A few stay: letting them go costs more than they do."""
        live = self.live
        if live and loses_rows(self.cache) and len(self.rows) - len(live) >= max(1, len(self.rows) // REFILL):
            self._keep(live)
            self._narrow()

    def _keep(self, places: list[int]) -> None:
        if len(places) < len(self.rows):
            keep_rows(self.cache, places)
            self.rows = [self.rows[place] for place in places]
            self._chosen = [self._chosen[place] for place in places]
            self.mask, self.positions = self.mask[places], self.positions[places]

    def _narrow(self) -> None:
        """Columns that no row looks at any more go: those between what all share and the longest row."""
        at = self.shared
        unread = int(self.mask[self.live, at:].any(0).int().argmax())
        if unread and takes_rows(self.cache):
            cut(self.cache, at, unread)
            self.mask = torch.cat([self.mask[:, :at], self.mask[:, at + unread :]], dim=1)


def _wider(mask: torch.Tensor, width: int, at: int) -> torch.Tensor:
    """Filled up behind the columns that all rows share."""
    more = mask.new_zeros(len(mask), width - mask.shape[1])
    return torch.cat([mask[:, :at], more, mask[:, at:]], dim=1)
