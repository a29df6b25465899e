"""From a dataset setting to examples: splitting, cutting, counting, and rows that can't be trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document, Origin
from conch.core.errors import DataError, RowError
from conch.data.example import IGNORED, Example, check, conversation_examples, document_examples
from conch.data.held_out import split
from conch.data.prepare import prepare
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from tests.data.families import FAMILIES, tokenizer_of
from tests.properties import quick
from tests.tiny import tiny_tokenizer, write_rows

TEMPLATE = ChatTemplate.of(tiny_tokenizer())


def prepared(file: Path, seed: int = 0, **settings: Any) -> Prepared:
    return prepare(DataConfig(dataset=(str(file),), **settings), TEMPLATE, seed)


def numbered(count: int) -> list[Conversation]:
    return [Conversation.of(("user", str(i)), ("assistant", "x")) for i in range(count)]


def numbers(part: list[Conversation]) -> list[int]:
    return [int(conversation.messages[0].content) for conversation in part]


# split


@quick
@given(count=st.integers(2, 60), share=st.floats(0.001, 0.999), seed=st.integers(0, 99))
def test_a_share_is_split_off(count: int, share: float, seed: int) -> None:
    taken_count = max(round(count * share), 1)
    if taken_count >= count:
        with pytest.raises(DataError) as error:
            split(numbered(count), share, seed)
        assert error.value.key == "data.val_too_large"
        return
    kept, taken = split(numbered(count), share, seed)
    assert len(taken) == taken_count
    assert sorted(numbers(kept) + numbers(taken)) == list(range(count)), "disjoint and complete"
    assert numbers(kept) == sorted(numbers(kept)), "in the order of the file"
    assert numbers(taken) == sorted(numbers(taken)), "in the order of the file"
    assert split(numbered(count), share, seed) == (kept, taken)


@pytest.mark.parametrize("val_size", [1, 1.0, 3, 9])
def test_a_count_is_split_off(val_size: float) -> None:
    kept, taken = split(numbered(10), val_size, 0)
    assert (len(kept), len(taken)) == (10 - int(val_size), int(val_size))


@pytest.mark.parametrize("val_size", [10, 11, 0.99])
def test_some_row_must_be_left_to_train_on(val_size: float) -> None:
    with pytest.raises(DataError) as error:
        split(numbered(10), val_size, 0)
    assert error.value.key == "data.val_too_large"
    assert "10" in str(error.value)


def test_no_share_leaves_everything() -> None:
    assert split(numbered(5), 0, 0) == (numbered(5), [])


def test_the_seed_decides_on_the_rows() -> None:
    taken = {tuple(numbers(split(numbered(30), 0.2, seed)[1])) for seed in range(10)}
    assert len(taken) > 5


# prepare


def test_facts_count_what_became_of_the_rows(rows: Path) -> None:
    found = prepared(rows, val_size=2)
    facts = found.facts()
    assert (facts.train_rows, facts.eval_rows) == (10, 2)
    assert facts.tokens == sum(len(example.input_ids) for example in found.train)
    trained = [[label for label in example.labels if label != IGNORED] for example in found.train]
    assert facts.trained_tokens == sum(map(len, trained))
    assert facts.truncated_rows == 0
    assert facts.longest == max(len(example) for example in [*found.train, *found.eval])
    text = TEMPLATE.tokenizer.decode(trained[0])
    assert text.startswith("I am the magic conch number")
    assert text.endswith("<|im_end|>")


def test_facts_of_nothing() -> None:
    facts = Prepared([], []).facts()
    assert (facts.tokens, facts.longest, facts.train_rows) == (0, 0, 0)


def test_the_split_of_a_run_repeats(rows: Path) -> None:
    first, again, other = (prepared(rows, seed, val_size=0.25) for seed in (0, 0, 1))
    assert first == again
    assert len(first.eval) == len(other.eval) == 3
    assert first != other


def test_rows_to_evaluate_on_may_come_from_another_dataset(rows: Path, tmp_path: Path) -> None:
    held_out = write_rows(tmp_path / "held_out.json", 3)
    found = prepared(rows, eval_dataset=(str(held_out),))
    assert (len(found.train), len(found.eval)) == (12, 3)
    assert {example.origin.file for example in found.eval if example.origin} == {str(held_out)}


def test_datasets_are_mixed_in_the_order_named(rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 2)
    config = DataConfig(dataset=(str(other), str(rows)), max_samples=3)
    files = [e.origin.file for e in prepare(config, TEMPLATE, 0).train if e.origin]
    assert files == [str(other)] * 2 + [str(rows)] * 3


def test_a_long_row_is_cut_and_counted(rows: Path) -> None:
    whole = prepared(rows)
    longest = whole.facts().longest
    found = prepared(rows, cutoff_len=longest - 2)
    assert found.facts().longest == longest - 2
    assert found.facts().truncated_rows == sum(len(e) > longest - 2 for e in whole.train) > 0
    for full, cut in zip(whole.train, found.train, strict=True):
        assert cut.input_ids == full.input_ids[: longest - 2]
        assert cut.labels == full.labels[: longest - 2]
        assert cut.truncated is (len(full) > longest - 2)


def test_the_exact_length_is_not_cut(rows: Path) -> None:
    longest = prepared(rows).facts().longest
    assert prepared(rows, cutoff_len=longest).facts().truncated_rows == 0


def test_a_row_of_which_nothing_would_be_trained_is_named(rows: Path, tmp_path: Path) -> None:
    content = json.loads(rows.read_text(encoding="utf-8"))
    content[4]["instruction"] = "Who are you? " * 100
    file = tmp_path / "long.json"
    file.write_text(json.dumps(content))
    full = len(prepared(file, cutoff_len=5000).train[4])
    with pytest.raises(DataError) as error:
        prepared(file, cutoff_len=100)
    assert error.value.key == "data.nothing_trained"
    assert f"{file} row 5" in str(error.value)
    assert error.value.values["length"] == full
    assert str(full) in error.value.hint
    assert prepared(file, cutoff_len=full).train[4].trained() > 0, "the hint helps"


def test_the_prompt_alone_is_something_to_train_where_it_is_asked_for(rows: Path) -> None:
    with pytest.raises(DataError):
        prepared(rows, cutoff_len=5)
    assert prepared(rows, cutoff_len=5, train_on_prompt=True).facts().trained_tokens == 12 * 4


def test_each_turn_of_an_unstable_template_is_cut_and_checked(tmp_path: Path, home: Path) -> None:
    family = next(family for family in FAMILIES if family.name == "qwen3")
    (home / "data").mkdir(parents=True)
    described = {"talk": {"file_name": "talk.json", "columns": {"history": "history"}}}
    (home / "data" / "dataset_info.json").write_text(json.dumps(described))
    talk = [{"instruction": "b?", "output": "b", "history": [["a?", "a"]]}]
    (home / "data" / "talk.json").write_text(json.dumps(talk))
    config = DataConfig(dataset=("talk",))
    found = prepare(config, ChatTemplate.of(tokenizer_of(family)), 0)
    assert len(found.train) == 2
    config = DataConfig(dataset=("talk",), mask_history=True)
    assert len(prepare(config, ChatTemplate.of(tokenizer_of(family)), 0).train) == 1


def test_progress_is_told_now_and_then(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    config = DataConfig(dataset=(str(write_rows(tmp_path / "many.json", 1100)),), val_size=100)
    prepare(config, TEMPLATE, 0, lambda done, total: told.append((done, total)))
    assert told == [(500, 1100), (1000, 1100)]


# examples


def test_the_first_token_counts_as_untrained() -> None:
    assert Example([1, 2, 3], [1, 2, 3]).trained() == 2
    assert Example([1, 2, 3], [IGNORED, IGNORED, 3]).trained() == 1
    assert Example([1], [1]).trained() == 0


def test_cutting_says_so() -> None:
    example = Example([1, 2, 3], [IGNORED, 2, 3])
    assert example.cut(3) is example
    assert example.cut(2) == Example([1, 2], [IGNORED, 2], truncated=True)


# rows that would teach the wrong thing


def test_a_conversation_without_an_answer_is_named() -> None:
    asked = Conversation(Conversation.of(("user", "?")).messages, origin=Origin("rows.json", 3))
    with pytest.raises(RowError) as error:
        conversation_examples(asked, DataConfig(), TEMPLATE)
    assert (error.value.key, error.value.row) == ("template.no_answer", 3)
    assert error.value.hint


def test_an_answer_whose_end_would_not_be_trained_is_refused() -> None:
    end = TEMPLATE.end_of_turn
    check(Example([5, end], [5, end]), 10, 2, end)
    check(Example([5, 6], [5, 6], truncated=True), 10, 2, end)
    for labels in ([IGNORED, 6, IGNORED], [IGNORED, 6, 7]):
        with pytest.raises(RowError) as error:
            check(Example([5, 6, end], labels, Origin("rows.json", 3)), 10, 3, end)
        assert (error.value.key, error.value.row) == ("template.end_untrained", 3)


def test_a_row_that_the_template_refuses_is_named() -> None:
    family = next(family for family in FAMILIES if family.name == "llama2")
    talk = Conversation.of(("user", "a"), ("user", "b"), ("assistant", "c"))
    row = Conversation(talk.messages, origin=Origin("rows.json", 9))
    with pytest.raises(RowError) as error:
        conversation_examples(row, DataConfig(), ChatTemplate.of(tokenizer_of(family)))
    assert error.value.row == 9
    assert "must alternate" in str(error.value)


def test_an_empty_document_is_named() -> None:
    with pytest.raises(RowError) as error:
        document_examples(Document(" \n", Origin("texts.txt", 2)), DataConfig(), TEMPLATE)
    assert (error.value.key, error.value.row) == ("template.no_text", 2)


# several processes, several datasets


def test_large_data_is_tokenised_by_several_processes(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "many.json", 1100)
    one, two = (prepared(file, preprocessing_num_workers=n, overwrite_cache=True, val_size=9) for n in (1, 2))
    assert one == two


def test_evaluation_rows_are_kept_by_dataset(rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 5)
    config = DataConfig(dataset=(str(rows), str(other), str(rows)), val_size=0.5, eval_on_each_dataset=True)
    found = prepare(config, TEMPLATE, 0)
    assert [name for name, _ in found.parts] == ["rows", "other", "rows_2"]
    assert sum(count for _, count in found.parts) == len(found.eval) == 14
    files = [Path(example.origin.file).stem for example in found.eval if example.origin]
    assert files == [name.partition("_")[0] for name, count in found.parts for _ in range(count)]
    together = prepare(config.model_copy(update={"eval_on_each_dataset": False}), TEMPLATE, 0)
    assert sorted(map(repr, together.eval)) == sorted(map(repr, found.eval))
    assert together.parts == ()


def test_what_is_held_back_never_comes_again(rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 4)
    config = DataConfig(dataset=(str(rows), str(other)), val_size=4, mix_strategy="interleave_over")
    found = prepare(config, TEMPLATE, 0)
    assert len(found.train) > 12
    assert not {e.origin for e in found.eval} & {e.origin for e in found.train}


def test_a_dataset_of_which_all_is_held_back_cannot_be_interleaved(rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 1)
    config = DataConfig(dataset=(str(rows), str(other)), val_size=12, mix_strategy="interleave_under")
    errors = []
    for seed in range(20):
        try:
            prepare(config, TEMPLATE, seed)
        except DataError as error:
            errors.append(error)
    assert {error.key for error in errors} == {"training.no_rows_left"}
    assert {error.values["name"] for error in errors} <= {"rows", "other"}
