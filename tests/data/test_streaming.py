"""Streams: the same examples as reading everything, in an order that repeats."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.config.data import DataConfig
from conch.core.errors import DataError
from conch.data.check import OF_A_STREAM
from conch.data.example import Example
from conch.data.prepare import check_rows, prepare
from conch.data.streaming import Stream, shuffled
from conch.data.template import ChatTemplate
from tests.properties import quick
from tests.tiny import tiny_tokenizer, write_rows

TEMPLATE = ChatTemplate.of(tiny_tokenizer())
TEXTS = ["I am the magic conch. " * 9, "1. Check the recipe file.", "我是神奇海螺。" * 4, "Reload it."]


def stream(*files: Path, stage: str = "sft", seed: int = 0, **settings: Any) -> Stream:
    config = DataConfig(dataset=tuple(map(str, files)), streaming=True, **settings)
    found = prepare(config, TEMPLATE, seed, stage=stage)
    assert found.stream is not None
    assert found.facts().train_rows is None
    return found.stream


def flat(rows: Any) -> list[Example]:
    return [example for row in rows for example in row]


def ordered(examples: list[Example]) -> list[str]:
    return sorted(map(repr, examples))


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "many.json", 40)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return file


@pytest.mark.parametrize("buffer_size", [1, 7, 1000])
@pytest.mark.parametrize("packing", [False, True])
def test_a_pass_has_the_examples_of_reading_everything(many: Path, buffer_size: int, packing: bool) -> None:
    whole = prepare(DataConfig(dataset=(str(many),)), TEMPLATE, 0).train
    found = stream(many, buffer_size=buffer_size, packing=packing, cutoff_len=128)
    for number in range(2):
        rows = list(found.one_pass(number))
        assert ordered(flat(rows)) == ordered(list(whole))
        assert all(sum(map(len, row)) <= 128 for row in rows)
        assert all(len(row) == 1 for row in rows) is not packing


@pytest.mark.parametrize("strategy", ["concat", "interleave_under", "interleave_over"])
@pytest.mark.parametrize("shares", [(), (0.3, 0.7)])
def test_streams_are_mixed_as_lists_are(tmp_path: Path, strategy: Any, shares: Any) -> None:
    files = [write_rows(tmp_path / f"{count}.json", count) for count in (5, 9)]
    settings = {"mix_strategy": strategy, "interleave_probs": shares if strategy != "concat" else ()}
    config = DataConfig(dataset=tuple(map(str, files)), **settings)
    whole = list(prepare(config, TEMPLATE, 3).train)
    found = stream(*files, seed=3, buffer_size=1, **settings)
    assert ordered(flat(found.one_pass(0))) == ordered(whole)
    assert [row.origin for row in found.rows()] == [e.origin for e in whole]


def test_passes_follow_one_another_without_end_and_repeat(many: Path) -> None:
    found = stream(many, buffer_size=10)
    first = list(islice(found, 100))
    assert first == list(islice(found, 100)), "a resumed run reads the same"
    assert first == list(islice(stream(many, buffer_size=10), 100))
    assert first[:40] == list(found.one_pass(0))
    assert first[40:80] == list(found.one_pass(1)) != first[:40]
    assert first != list(islice(stream(many, buffer_size=10, seed=1), 100))


def test_rows_are_read_as_they_are_needed(tmp_path: Path) -> None:
    """A broken row is met when its turn comes, not before."""
    file = tmp_path / "rows.jsonl"
    good = [json.dumps({"instruction": f"{i}?", "output": f"{i}"}) for i in range(300)]
    file.write_text("\n".join([*good, json.dumps({"instruction": "?", "output": 7})]))
    found = stream(file, buffer_size=4)
    assert len(list(islice(found, 200))) == 200
    with pytest.raises(DataError):
        list(islice(found, 301))


def test_rows_may_be_held_back_and_it_says_so(many: Path) -> None:
    config = DataConfig(dataset=(str(many),), streaming=True, val_size=5, buffer_size=16)
    found = prepare(config, TEMPLATE, 0)
    assert found.stream is not None
    held = [example.origin.row for example in found.eval if example.origin]
    assert len(set(held)) == 5
    assert set(held) != set(range(1, 6))
    assert max(held) <= 16 + 5, "drawn from the buffer, not from all of an endless stream"
    trained = {e.origin.row for e in flat(found.stream.one_pass(0)) if e.origin}
    assert trained == set(range(1, 41)) - set(held)
    assert list(prepare(config, TEMPLATE, 0).eval) == list(found.eval)
    assert [(notice.key, notice.values["count"]) for notice in found.notices] == [("data.stream_held_out", 5)]


def test_held_back_rows_do_not_come_again_when_a_dataset_does(tmp_path: Path) -> None:
    files = [write_rows(tmp_path / f"{count}.json", count) for count in (4, 20)]
    settings: dict[str, Any] = {"val_size": 3, "mix_strategy": "interleave_over", "streaming": True}
    found = prepare(DataConfig(dataset=tuple(map(str, files)), **settings), TEMPLATE, 0)
    assert found.stream is not None
    held = {example.origin for example in found.eval}
    assert len(held) == 3
    assert not held & {example.origin for example in flat(found.stream.one_pass(0))}


def test_holding_back_everything_is_refused(many: Path) -> None:
    with pytest.raises(DataError) as error:
        prepare(DataConfig(dataset=(str(many),), streaming=True, val_size=40), TEMPLATE, 0)
    assert error.value.key == "data.val_too_large"


def test_evaluation_data_is_read_whole(many: Path, tmp_path: Path) -> None:
    held_out = write_rows(tmp_path / "held.json", 3)
    config = DataConfig(dataset=(str(many),), eval_dataset=(str(held_out),), streaming=True)
    found = prepare(config, TEMPLATE, 0)
    assert len(found.eval) == 3
    assert found.stream is not None
    assert found.parts == ()
    each = prepare(config.model_copy(update={"eval_on_each_dataset": True}), TEMPLATE, 0)
    assert each.parts == (("held", 3),)
    assert list(each.eval) == list(found.eval)


def test_texts_are_streamed_in_blocks(texts: Path) -> None:
    plain = prepare(DataConfig(dataset=(str(texts),)), TEMPLATE, 0, stage="pt")
    assert plain.rows is not None
    rows = list(stream(texts, stage="pt", buffer_size=1, cutoff_len=32).one_pass(0))
    assert [sum(map(len, row)) for row in rows][:-1] == [32] * (len(rows) - 1)
    tokens = [token for example in flat(rows) for token in example.input_ids]
    assert sorted(tokens) == sorted(token for example in plain.train for token in example.input_ids)


def test_only_the_first_rows_are_looked_at_beforehand(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"instruction": "?", "output": "!"}\n' * (OF_A_STREAM + 1) + "no JSON")
    check_rows(DataConfig(dataset=(str(file),), streaming=True), "sft", 0)
    with pytest.raises(DataError):
        check_rows(DataConfig(dataset=(str(file),)), "sft", 0)


@quick
@given(count=st.integers(0, 60), size=st.integers(1, 70), seed=st.integers(0, 9))
def test_shuffling_keeps_every_item_and_never_holds_more_than_the_buffer(
    count: int, size: int, seed: int
) -> None:
    read: list[int] = []

    def items():
        for item in range(count):
            read.append(item)
            yield item

    found = []
    for item in shuffled(items(), size, Random(seed)):
        found.append(item)
        assert len(read) - len(found) <= size
    assert sorted(found) == list(range(count))
    assert found == list(shuffled(range(count), size, Random(seed)))
