"""Requests of many threads, decoded together as they come and go.

There is no thread of its own: of those who wait for a piece, one computes the next forward pass, for
all of them. So nothing is computed where nobody waits, and a caller who leaves takes his rows along.

Rows of one adapter form one batch, where the model's cache lets rows come; batches take turns.
Prompts are read in parts, and after each part those under way get their next token.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, zip_longest
from typing import Any

import psutil
import torch

from conch.inference.engine import Piece, Request
from conch.inference.growing import growing_cache, takes_rows
from conch.inference.rows import Ask, Prefix, Row
from conch.inference.sampling import Sampler
from conch.inference.step import REFILL, Inputs, Step
from conch.models.outline import cache_bytes

BATCH, FEW = 64, 16
"""Most rows decoded at once, and where nobody knows how much memory there is."""
TOGETHER = 16
"""Most prompts read in one pass, since all are filled up to the longest of them."""
FILLING = 2
"""Prompts are read together where filling them up makes them no more than so many times as long."""
PART = 256
"""Most tokens of prompts, counted over all of them, that are read in one pass."""
MEMORY_SHARE = 0.25
"""How much of the free memory keys and values may take."""

Forward = Callable[[Inputs], torch.Tensor]
"""Inputs → next-token logits, fp32, shape [rows, vocabulary]."""


class Batch:
    """The rows of all callers. `config` is the model's, for the form of its cache."""

    def __init__(self, forward: Forward, config: Any, device: torch.device) -> None:
        self._forward = forward
        self._config = config
        self._device = device
        self._joins = takes_rows(growing_cache(config))
        self._memory: int | None = None
        self._asks: list[Ask] = []
        self._reading: deque[Step] = deque()
        self._going: deque[Step] = deque()
        self._reads = False
        self._news = threading.Condition()
        self._computing = False

    @property
    def running(self) -> int:
        """How many answers are under way."""
        with self._news:
            return sum(ask.left - len(ask.waiting) for ask in self._asks)

    def pieces(self, requests: Sequence[Request], samplers: Sequence[Sampler]) -> Iterator[tuple[int, Piece]]:
        """(place, piece) pairs until all `requests`, which have one adapter, are answered.

        After a pass that made nothing for them comes an empty piece: a moment to leave.
        """
        ask = Ask(requests, samplers)
        if not self._joins:
            ask.prefix = None
        with self._news:
            self._asks.append(ask)
        try:
            while ask.left:
                if not ask.made:
                    self._wait(ask)
                yield ask.take() if ask.made else (0, Piece())
        finally:
            self._leave(ask)

    def _wait(self, ask: Ask) -> None:
        """For one pass, at most: computed by whoever is at it, or by us where nobody is."""
        with self._news:
            if self._computing and not ask.made:
                self._news.wait()
            if self._computing or ask.made:
                return
            self._computing = True
        try:
            with torch.inference_mode():
                self._round()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        with self._news:
            self._drop_idle()
            self._computing = False
            self._news.notify_all()

    def _leave(self, ask: Ask) -> None:
        with self._news:
            ask.gone = True
            self._asks.remove(ask)
            if not self._computing:
                self._drop_idle()

    def _drop_idle(self) -> None:
        self._reading = deque(step for step in self._reading if step.live)
        self._going = deque(step for step in self._going if step.live)

    def _steps(self) -> list[Step]:
        return [*self._reading, *self._going]

    def _round(self) -> None:
        """One forward pass: prompts and tokens in turn, and of each kind one step after another."""
        self._begin()
        self._reads = bool(self._reading) and not (self._reads and self._going)
        steps = self._reading if self._reads else self._going
        if not steps:
            return
        step = steps.popleft()
        if not self._reads and not self._reading:  # else those who come take the places of those who are done
            step.shed()
        try:
            logits = self._forward(step.inputs(PART))
            if step.reading:
                steps.append(step)
                return
            step.advance(logits)
            self._go_on_with(step)
        except BaseException as error:
            step.fail(error)
            if not isinstance(error, Exception):
                raise

    def _go_on_with(self, step: Step) -> None:
        """Rows that have a token go on, with others where they can."""
        host = next((other for other in self._going if other.takes(step)), None) if self._reads else None
        if host is None:
            self._going.append(step)
            return
        step.shed()
        if step.live:
            host.join(step)

    def _begin(self) -> None:
        """Rows that wait begin, where there is room for them."""
        with self._news:
            rows = self._newcomers()
            for row in rows:
                row.ask.waiting.popleft()
        if not rows:
            return
        try:
            prefix = rows[0].ask.prefix
            if prefix is not None and prefix.cache is None:
                self._read_prefix(prefix, rows[0].ask.adapter)
            self._reading.append(Step(rows, prefix, growing_cache(self._config), self._device))
        except BaseException as error:
            for row in rows:
                row.fail(error)
            if not isinstance(error, Exception):
                raise

    def _newcomers(self) -> list[Row]:
        """Those who may begin now, one of each caller in turn: none, or enough to be worth a pass."""
        first = next((ask for ask in self._asks if ask.waiting), None)
        if first is None:
            return []
        alike = [ask for ask in self._asks if ask.waiting and ask.goes_with(first)]
        turns = chain.from_iterable(zip_longest(*(ask.waiting for ask in alike)))
        waiting = list(islice((row for row in turns if row is not None), BATCH))
        under_way = [step.rows[place] for step in self._steps() for place in step.live]
        most = self._most_rows([row.request for row in (*under_way, *waiting)], idle=not under_way)
        free = min(most - len(under_way), len(waiting), TOGETHER if self._joins else most)
        if free < min(max(1, most // REFILL), len(waiting)):
            return []
        rows = _of_like_length(waiting[:free])
        self._asks = [ask for ask in self._asks if ask not in alike] + alike
        return rows

    def _most_rows(self, requests: Sequence[Request], *, idle: bool) -> int:
        """As many as are decoded at once: fewer where their keys and values would take much of the memory."""
        if idle:
            self._memory = free_memory(self._device)
        if self._memory is None or not hasattr(self._config, "num_attention_heads"):
            return FEW
        longest = max(len(request.prompt) + request.sampling.max_new_tokens for request in requests)
        room = self._memory * MEMORY_SHARE
        return max(1, min(BATCH, int(room // (2 * cache_bytes(self._config) * longest))))

    def _read_prefix(self, prefix: Prefix, adapter: str | None) -> None:
        cache = growing_cache(self._config)
        ids = torch.tensor([prefix.tokens], device=self._device)
        positions = torch.arange(ids.shape[1], device=self._device)[None]
        self._forward(Inputs(ids, torch.ones_like(ids), positions, cache, adapter))
        prefix.cache = cache


def _of_like_length(rows: Sequence[Row]) -> list[Row]:
    """The first of them, as long as filling them up to the longest doesn't take more than reading them."""
    lengths = [len(row.request.prompt) for row in rows]
    counts = range(len(rows), 1, -1)
    fits = (count for count in counts if max(lengths[:count]) * count <= FILLING * sum(lengths[:count]))
    return list(rows[: next(fits, 1)])


def free_memory(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available) if device.type == "cpu" else None
