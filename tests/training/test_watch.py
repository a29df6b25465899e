"""A CPU's memory is looked after while a forward goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from conch.core.events import Warned
from conch.models.memory import LOGIT_CHUNK
from conch.runs import read_events
from conch.training import malloc, watch
from conch.training.watch import ShortOfMemoryError, Watch
from tests.training.helpers import same, train, weights

THRIFT = "training.memory_thrift"


@pytest.fixture(autouse=True)
def own_malloc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that tests run in keeps its allocator as it is."""
    monkeypatch.setattr(malloc, "keep_little", lambda: True)


def test_the_watch_speaks_up_before_the_system_does() -> None:
    Watch(100, lambda: 100).look(0)
    Watch(100, lambda: 150).look(50)
    with pytest.raises(ShortOfMemoryError):
        Watch(100, lambda: 99).look(0)
    with pytest.raises(ShortOfMemoryError):
        Watch(100, lambda: 149).look(50)


def test_the_watch_counts_what_the_heap_gives_back() -> None:
    left = iter([50, 150])
    Watch(100, lambda: next(left)).look(0)


def test_the_watch_knows_what_logits_will_take() -> None:
    head, labels = torch.nn.Linear(4, 1000, bias=False), torch.zeros(1, 10, 4)
    Watch(0, lambda: 10 * 1000 * 12).before_head(head, (labels,))
    with pytest.raises(ShortOfMemoryError):
        Watch(1, lambda: 10 * 1000 * 12).before_head(head, (labels,))


def test_the_watch_asks_for_a_chunk_where_the_loss_takes_chunks() -> None:
    head, labels = torch.nn.Linear(4, 100_000, bias=False), torch.zeros(1, 1000, 4)
    with pytest.raises(ShortOfMemoryError):
        Watch(0, lambda: LOGIT_CHUNK).before_head(head, (labels,))
    Watch(0, lambda: LOGIT_CHUNK, chunked=True).before_head(head, (labels,))
    with pytest.raises(ShortOfMemoryError):
        Watch(1, lambda: LOGIT_CHUNK, chunked=True).before_head(head, (labels,))


def test_the_trainer_says_whether_its_loss_takes_chunks(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    plain = Watch.__init__

    def note(self: Watch, *given: Any, chunked: bool = False) -> None:
        made.append(chunked)
        plain(self, *given, chunked=chunked)

    monkeypatch.setattr(Watch, "__init__", note)
    train(tiny_folder, rows, num_train_epochs=1)
    train(tiny_folder, rows, num_train_epochs=1, finetuning_type="full", bf16=True)
    assert made == [True, False]


def test_the_watch_leaves_evaluation_alone() -> None:
    with torch.no_grad():
        Watch(100, lambda: 0).before_layer()


def test_the_watch_stops_a_forward(tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Low once, in the middle of the run: the step is repeated and the run ends like any other."""
    plain = train(tiny_folder, rows)
    seen: list[int] = []

    def available() -> int:
        seen.append(1)
        return 0 if 8 <= len(seen) < 10 else 1 << 40

    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(watch, "memory_available", available)
    run = train(tiny_folder, rows)
    assert [e.key for e in read_events(run.events_path) if isinstance(e, Warned)] == [THRIFT]
    assert same(weights(plain.output), weights(run.output))
