"""Rows that come and go while others are under way are answered as each would be alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from transformers import DynamicCache

from conch.inference import batching
from conch.inference.engine import Request, Sampling, completions
from conch.inference.engines.scripted import ScriptedEngine
from conch.inference.engines.transformers import TransformersEngine
from conch.inference.growing import begin_with, cut, growing_cache, join, keep_rows
from conch.inference.step import Inputs
from tests.tiny import tiny_model

DICE = random.Random(5)
SYSTEM = tuple(DICE.randrange(400) for _ in range(20))
DRAWN = Sampling(temperature=1.2, top_p=0.9, repetition_penalty=1.1, seed=3)


def requests(sampling: Sampling, system: tuple[int, ...] = SYSTEM) -> list[Request]:
    """Prompts and answers of all lengths."""
    dice = random.Random(7)
    return [
        Request(
            system + tuple(dice.randrange(400) for _ in range(dice.choice((1, 3, 40)))),
            frozenset(dice.sample(range(400), 20)),
            replace(sampling, max_new_tokens=dice.randint(1, 20)),
        )
        for _ in range(60)
    ]


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text"])
@pytest.mark.parametrize("sampling", [Sampling(), DRAWN], ids=["greedy", "drawn"])
@pytest.mark.parametrize("system", [SYSTEM, ()], ids=["shared", "nothing shared"])
def test_each_is_answered_as_alone(
    monkeypatch: pytest.MonkeyPatch, architecture: str, sampling: Sampling, system: tuple[int, ...]
) -> None:
    engine = TransformersEngine(tiny_model(architecture))
    asked = requests(sampling, system)
    alone = [engine.complete([request])[0] for request in asked]
    assert {done.finish for done in alone} == {"stop", "length"}
    monkeypatch.setattr(batching, "BATCH", 12)
    monkeypatch.setattr(batching, "TOGETHER", 5)
    assert engine.complete(asked) == alone


def test_a_place_that_is_free_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long answer, and many short ones beside it: the long one is not waited for."""
    monkeypatch.setattr(batching, "BATCH", 4)
    engine = TransformersEngine(tiny_model())
    asked = [Request((5, number), frozenset(), Sampling(max_new_tokens=2)) for number in range(20)]
    asked.append(Request((5, 6, 7), frozenset(), Sampling(max_new_tokens=40)))
    order = [place for place, _ in engine.completions(asked)]
    assert sorted(order) == list(range(21))
    assert order[-1] == 20


def test_what_all_share_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = TransformersEngine(tiny_model())
    read: list[int] = []
    real = engine._batch._forward

    def forward(inputs: Inputs) -> torch.Tensor:
        read.append(inputs.tokens.numel())
        return real(inputs)

    monkeypatch.setattr(engine._batch, "_forward", forward)
    engine.complete([Request((*SYSTEM, n), frozenset(), Sampling(max_new_tokens=1)) for n in range(8)])
    assert read == [20, 8]


def test_few_rows_at_once_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = TransformersEngine(tiny_model())._batch
    asked = requests(Sampling())
    assert batch._most_rows(asked, idle=True) == batching.BATCH
    monkeypatch.setattr(batching, "free_memory", lambda device: 200_000)
    assert batch._most_rows(asked, idle=False) == batching.BATCH  # what the rows under way take was free
    assert 1 <= batch._most_rows(asked, idle=True) < 16
    monkeypatch.setattr(batching, "free_memory", lambda device: 0)
    assert batch._most_rows(asked, idle=True) == 1


def test_an_engine_that_tells_of_whole_batches_alone_is_asked_batch_by_batch() -> None:
    engine = ScriptedEngine(lambda request: [request.prompt[0]])
    asked = [Request((number,), frozenset(), Sampling(max_new_tokens=1)) for number in range(5)]
    told = list(completions(engine, asked, 2))
    assert [place for place, _ in told] == [0, 1, 2, 3, 4]
    assert [done.tokens for _, done in told] == [(0,), (1,), (2,), (3,), (4,)]


def test_it_holds_what_transformers_own_cache_holds() -> None:
    config = tiny_model().config
    torch.manual_seed(0)
    ours, theirs = growing_cache(config), DynamicCache(config=config)
    for width in (5, *[1] * 140, 3):
        keys, values = torch.randn(2, 2, 3, 2, width, 8).unbind()
        for layer in (0, 1):
            found = ours.update(keys[0], values[0], layer)
            wanted = theirs.update(keys[0], values[0], layer)
            assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    keep_rows(ours, [2, 0])
    keep_rows(theirs, [2, 0])
    cut(ours, 4, 130)
    held = theirs.layers[0].keys
    assert torch.equal(ours.layers[0].keys, torch.cat([held[:, :, :4], held[:, :, 134:]], dim=2))
    assert ours.get_seq_length() == 148 - 130


def test_shorter_rows_are_filled_up_behind_what_is_shared() -> None:
    config = tiny_model().config
    shared, one, other = (growing_cache(config) for _ in range(3))
    for layer in (0, 1):
        shared.update(torch.full((1, 2, 2, 8), 7.0), torch.full((1, 2, 2, 8), 7.0), layer)
    for cache, rows, width in ((one, 2, 4), (other, 1, 1)):
        begin_with(cache, shared, rows)
        for layer in (0, 1):
            cache.update(torch.full((rows, 2, width, 8), 1.0), torch.full((rows, 2, width, 8), 1.0), layer)
    join(one, other, 2)
    assert one.layers[1].keys[:, 0, :, 0].tolist() == [[7, 7, 1, 1, 1, 1]] * 2 + [[7, 7, 0, 0, 0, 1]]
