"""Streams of many callers are one batch, and each gets what it would get alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from conch.core.errors import ServeError
from conch.inference import batching
from conch.inference.constraint import Constrainer
from conch.inference.engine import Piece, Request, Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.inference.grammar import json_grammar
from conch.inference.step import Inputs
from tests.tiny import tiny_model, tiny_tokenizer

LONG = Sampling(max_new_tokens=60)
DRAWN = Sampling(max_new_tokens=30, temperature=1.2, top_p=0.9, seed=3)
PENALISED = replace(LONG, presence_penalty=1.0, repetition_penalty=1.2, logit_bias=((7, 2.0), (9, -100.0)))
SCHEMA = {"type": "object", "properties": {"a": {"enum": ["x", "yes"]}}, "required": ["a"]}
GRAMMAR = json_grammar({**SCHEMA, "additionalProperties": False})


class Passes:
    """What an engine computes, pass by pass."""

    def __init__(self, engine: TransformersEngine) -> None:
        self.seen: list[Inputs] = []
        self.fault: Exception | None = None
        self._real = engine._batch._forward
        engine._batch._forward = self

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        self.seen.append(inputs)
        if self.fault is not None:
            raise self.fault
        return self._real(inputs)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [tuple(inputs.tokens.shape) for inputs in self.seen]


def engine_of(architecture: str = "llama", **changes) -> TransformersEngine:
    return TransformersEngine(tiny_model(architecture, **changes), Constrainer(tiny_tokenizer()))


def prompt(length: int, seed: int = 0) -> tuple[int, ...]:
    return tuple(random.Random(seed).choices(range(3, 400), k=length))


def bounded(count: int) -> Sampling:
    return Sampling(max_new_tokens=count)


def told(pieces: list[Piece]) -> list[object]:
    """Pieces, with log-probabilities as far as they are the same in any batch."""
    return [
        (piece.token, piece.finish, piece.logprob and round(piece.logprob, 3), [t for t, _ in piece.top])
        for piece in pieces
        if not piece.empty
    ]


def following(stream: Iterator[Piece]) -> Piece:
    """The next piece that says something."""
    return next(piece for piece in stream if not piece.empty)


@pytest.fixture
def with_adapters(tiny_folder: Path, tmp_path: Path) -> TransformersEngine:
    from peft import LoraConfig, get_peft_model

    engine = engine_of()
    for number in (1, 2):
        torch.manual_seed(number)
        targets = LoraConfig(target_modules=["q_proj", "v_proj", "up_proj"], init_lora_weights=False)
        get_peft_model(tiny_model(), targets).save_pretrained(tmp_path / str(number))
        engine.load_adapter(f"a{number}", tmp_path / str(number))
    return engine


def mixed() -> list[Request]:
    """Requests of all kinds, for the base and two adapters."""
    stops = frozenset(range(0, 400, 23))
    plain = [
        Request(prompt(length, length), stops, sampling, top=top)
        for length in (1, 7, 40, 90)
        for sampling in (LONG, DRAWN, PENALISED)
        for top in (None, 2)
    ]
    held = [Request(prompt(9, n), frozenset({2}), replace(DRAWN, seed=n), grammar=GRAMMAR) for n in range(4)]
    adapters = (None, "a1", "a2")
    return [replace(request, adapter=adapters[at % 3]) for at, request in enumerate((*plain, *held))]


def test_threads_share_passes_and_answers_stay_the_same(with_adapters: TransformersEngine) -> None:
    asked = mixed()
    alone = [told(list(with_adapters.stream(request))) for request in asked]
    assert len({str(answer) for answer in alone}) > len(asked) / 2
    passes = Passes(with_adapters)
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda request: told(list(with_adapters.stream(request))), asked))
    assert found == alone
    assert len(passes.seen) < sum(map(len, alone)) / 2
    assert with_adapters.running == 0


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3_text"])
@pytest.mark.parametrize("seed", [1, 2])
def test_they_come_and_go_at_any_time(architecture: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams of one thread, taken on in random order, begun and left at random moments."""
    monkeypatch.setattr(batching, "PART", 16)
    engine, dice = engine_of(architecture), random.Random(seed)
    asked = [
        Request(
            prompt(dice.choice((1, 5, 30, 80)), n),
            frozenset(),
            replace(LONG, max_new_tokens=dice.randint(1, 40)),
        )
        for n in range(24)
    ]
    alone = [told(list(engine.stream(request))) for request in asked]
    streams = {number: engine.stream(request) for number, request in enumerate(asked)}
    found: list[list[Piece]] = [[] for _ in asked]
    while streams:
        number = dice.choice([*streams][:6])
        piece = next(streams[number], None)
        if piece is not None and not piece.empty:
            found[number].append(piece)
        if piece is None or dice.random() < 0.01:
            streams.pop(number).close()
    assert all(told(pieces) == whole[: len(pieces)] for pieces, whole in zip(found, alone, strict=True))
    assert sum(len(pieces) == len(whole) for pieces, whole in zip(found, alone, strict=True)) > 8


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text"])
def test_prompts_are_read_in_parts(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of(architecture)
    asked = [Request(prompt(length, length), frozenset(), LONG) for length in (100, 90, 70)]
    whole = engine.complete(asked)
    monkeypatch.setattr(batching, "PART", 24)
    passes = Passes(engine)
    assert engine.complete(asked) == whole
    assert passes.shapes[:13] == [(3, 8)] * 12 + [(3, 4)]


def test_a_long_prompt_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two parts of it those under way get a token, and short prompts are read."""
    monkeypatch.setattr(batching, "PART", 16)
    engine = engine_of()
    going, long, short = (engine.stream(Request(prompt(n, n), frozenset(), LONG)) for n in (5, 300, 6))
    following(going)
    passes = Passes(engine)
    assert next(long).empty
    assert next(long).empty
    following(short)
    for _ in range(5):
        following(going)
    assert (1, 6) in passes.shapes
    assert len(passes.seen) < 16
    following(long)
    parts = [shape for shape in passes.shapes if shape[1] > 1]
    assert parts.count((1, 16)) == 300 // 16
    assert max(rows * columns for rows, columns in parts) <= 16
    assert len(passes.seen) <= 2 * len(parts) + 1


def test_who_leaves_while_answered_leaves_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of()
    passes = Passes(engine)
    stays, leaves = (engine.stream(Request(prompt(n, n), frozenset(), LONG)) for n in (5, 40))
    pieces = [following(stream) for stream in (stays, leaves, stays, leaves, stays)][::2]
    assert passes.shapes[-1] == (2, 1)
    leaves.close()
    assert engine.running == 1
    before = len(passes.seen)
    pieces += stays
    assert {rows for rows, _ in passes.shapes[before:]} == {1}
    assert told(pieces) == told(list(engine_of().stream(Request(prompt(5, 5), frozenset(), LONG))))
    assert not engine._batch._steps()


def test_who_leaves_in_mid_prompt_stops_its_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PART", 16)
    engine = engine_of()
    passes = Passes(engine)
    leaves, comes = (engine.stream(Request(prompt(n), frozenset(), LONG)) for n in (300, 9))
    assert all(next(leaves).empty for _ in range(3))
    assert passes.shapes == [(1, 16)] * 3
    leaves.close()
    assert engine.running == 0
    assert not engine._batch._steps()
    following(comes)
    assert passes.shapes[3:] == [(1, 9)]


def test_who_leaves_the_queue_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCH", 1)
    engine = engine_of()
    stays, waits = (engine.stream(Request(prompt(n), frozenset(), LONG)) for n in (5, 9))
    passes = Passes(engine)
    following(stays)
    assert all(next(waits).empty for _ in range(3))
    assert engine.running == 1
    waits.close()
    list(stays)
    assert set(passes.shapes) == {(1, 5), (1, 1)}


def test_who_does_not_read_holds_nobody_up() -> None:
    engine = engine_of()
    slow, quick = (engine.stream(Request(prompt(n, n), frozenset(), LONG)) for n in (5, 6))
    first = following(slow)
    assert len(told(list(quick))) == 61
    alone = engine_of().stream(Request(prompt(5, 5), frozenset(), LONG))
    assert told([first, *slow]) == told(list(alone))


def test_many_requests_of_one_caller_leave_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCH", 8)
    engine = engine_of()
    many = engine.completions(
        [Request(prompt(4, n), frozenset(), replace(LONG, max_new_tokens=9)) for n in range(80)]
    )
    next(many)
    passes = Passes(engine)
    following(engine.stream(Request(prompt(5), frozenset(), LONG)))
    assert len(passes.seen) < 20
    assert len(list(many)) == 79


def test_a_fault_reaches_all_whom_it_concerns_and_nobody_later() -> None:
    engine = engine_of()
    asked = [Request(prompt(n, n), frozenset(), LONG) for n in (4, 5, 6)]
    whole = [told(list(engine.stream(request))) for request in asked]
    streams = [engine.stream(request) for request in asked]
    for stream in streams:
        following(stream)
    passes = Passes(engine)
    passes.fault = RuntimeError("out of memory")
    for stream in streams:
        with pytest.raises(RuntimeError, match="out of memory"):
            list(stream)
    assert engine.running == 0
    passes.fault = None
    assert [told(list(engine.stream(request))) for request in asked] == whole


def test_who_leaves_while_longer_prompts_are_read_leaves_their_answers_whole() -> None:
    """The row under way goes in the very pass after which the others would have joined it."""
    asked = [Request(prompt(n, n), frozenset(), bounded(9)) for n in (30, 31)]
    whole = [told(list(engine_of().stream(request))) for request in asked]
    engine = engine_of()
    leaves = engine.stream(Request(prompt(5, 5), frozenset(), LONG))
    following(leaves)
    real = engine._batch._forward

    def forward(inputs: Inputs) -> torch.Tensor:
        if inputs.tokens.shape[1] > 1:  # as another thread closes it meanwhile
            engine._batch._asks[0].gone = True
        return real(inputs)

    engine._batch._forward = forward
    tokens: dict[int, list[Piece]] = {0: [], 1: []}
    for row, piece in engine._pieces(asked):
        tokens[row].append(piece)
    assert [told(tokens[row]) for row in (0, 1)] == whole


class Broken:
    """A constraint that fails in mid-answer, at one of its two places."""

    finished = False

    def __init__(self, at: str) -> None:
        self._at = at
        self._left = 3

    def allowed(self, size: int) -> torch.Tensor:
        self._fail("allowed")
        return torch.ones(size, dtype=torch.bool)

    def push(self, token: int) -> None:
        self._fail("push")

    def _fail(self, at: str) -> None:
        self._left -= at == self._at
        if not self._left:
            raise ValueError("this grammar is broken")


@pytest.mark.parametrize("at", ["allowed", "push"])
def test_what_goes_wrong_in_one_answers_sampling_is_nobody_elses_trouble(at: str) -> None:
    engine = TransformersEngine(tiny_model(), lambda grammar, stop_ids: Broken(at))
    sound, broken = (
        engine.stream(Request(prompt(n, n), frozenset(), LONG, grammar=grammar))
        for n, grammar in ((5, None), (6, "x"))
    )
    pieces = [following(sound)]
    with pytest.raises(ValueError, match="this grammar is broken"):
        list(broken)
    pieces += sound
    assert told(pieces) == told(list(engine_of().stream(Request(prompt(5, 5), frozenset(), LONG))))


def test_a_temperature_that_is_hardly_above_zero_is_zero() -> None:
    request = Request(prompt(5), frozenset(), bounded(9))
    cold = replace(request, sampling=replace(request.sampling, temperature=1e-40))
    penalised = replace(cold.sampling, presence_penalty=1e-9)
    answers = [list(engine_of().stream(each)) for each in (request, cold, replace(cold, sampling=penalised))]
    assert told(answers[0]) == told(answers[1]) == told(answers[2])


def test_an_adapter_that_is_taken_off_ends_its_answers(with_adapters: TransformersEngine) -> None:
    base, shop = (
        with_adapters.stream(Request(prompt(5), frozenset(), LONG, adapter=name)) for name in (None, "a1")
    )
    following(base)
    following(shop)
    with_adapters.unload_adapter("a1")
    with pytest.raises(ServeError, match="taken off"):
        list(shop)
    assert len(told(list(base))) == 60


def test_a_grammar_that_needs_one_is_refused_where_it_is_asked() -> None:
    engine = TransformersEngine(tiny_model())
    with pytest.raises(ServeError):
        next(engine.stream(Request(prompt(5), frozenset(), LONG, grammar=json.dumps({}))))
    assert engine.running == 0
