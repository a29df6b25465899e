"""The checkpoints of one run: how large the next will be, and which must go for it to have room.

The newest is never removed, and the best one never. No torch is imported.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from conch.core import disk
from conch.core.events import Removed
from conch.runs.checkpoints import numbered, step_of
from conch.runs.log import EventLog
from conch.training.checkpoint import latest, rotate

BYTES_A_TOKEN = 100
"""What a tokenizer's files take for each token that it knows, roughly."""
GIGA = 1e9


class Shelf:
    """Keeps checkpoints down to `limit` in number and `budget` in bytes; None is no bound."""

    def __init__(self, output: Path, log: EventLog, limit: int | None, budget: int | None) -> None:
        self._output, self._log = output, log
        self._limit, self._budget = limit, budget
        self._told = False

    def bytes_needed(self, model: Any, optimizer: Any, tokens: int) -> int:
        """What the next checkpoint takes: as the newest does; before there is one, as its parts do."""
        newest = latest(self._output)
        return expected_size(model, optimizer, tokens) if newest is None else size_of(newest)

    def make_room(self, needed: int, best: str | None) -> None:
        """Remove before the next one what it would push out, as far as it can be spared already."""
        self._within_budget(best, needed)
        if disk.lack_of_room(self._output, needed):
            self._within_limit(best, coming=1)

    def tidy(self, best: str | None) -> None:
        """Remove what is too many or too much, now that there is a new one."""
        self._within_limit(best)
        self._within_budget(best)
        self._tell_if_beyond()

    def _within_budget(self, best: str | None, coming: int = 0) -> None:
        for folder in beyond_budget(self._output, self._budget, best, coming):
            self._remove(folder, self._budget)

    def _within_limit(self, best: str | None, coming: int = 0) -> None:
        for folder in rotate(self._output, self._limit, best, coming):
            self._remove(folder)

    def _remove(self, folder: Path, budget: int | None = None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._log.write(Removed, step=step_of(folder), path=str(folder), budget=budget)

    def _tell_if_beyond(self) -> None:
        """Say once that even what must stay is more than the budget."""
        left = numbered(self._output)
        taken = sum(map(size_of, left))
        if self._told or self._budget is None or taken <= self._budget:
            return
        self._told = True
        facts = {"count": len(left), "taken": f"{taken / GIGA:.3g}", "budget": f"{self._budget / GIGA:.3g}"}
        self._log.warn("training.budget", **facts)


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:  # removed in between
            continue
    return total


def expected_size(model: Any, optimizer: Any, tokens: int) -> int:
    """The weights that are saved, the optimizer's state, and a tokenizer of so many tokens."""
    saved = list(model.parameters())
    if hasattr(model, "peft_config"):  # of an adapter only what is trained is saved
        saved = [parameter for parameter in saved if parameter.requires_grad]
    state = optimizer.state.values() if optimizer is not None else ()
    tensors = [value for entry in state for value in entry.values() if hasattr(value, "nbytes")]
    return int(sum(tensor.nbytes for tensor in (*saved, *tensors)) + tokens * BYTES_A_TOKEN)


def beyond_budget(output: Path, budget: int | None, best: str | None, coming: int = 0) -> list[Path]:
    """The checkpoints to remove so that all of them and `coming` bytes more stay within `budget`.

    The oldest first, never the best or the newest.
    """
    if budget is None:
        return []
    found = numbered(output)
    sizes = {path: size_of(path) for path in found}
    excess = sum(sizes.values()) + coming - budget
    doomed = []
    for path in found[:-1]:
        if excess <= 0:
            break
        if best is None or path != Path(best):
            doomed.append(path)
            excess -= sizes[path]
    return doomed
