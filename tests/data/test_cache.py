"""Tokens that are kept: found again when nothing changed, never when anything did."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conch.config.data import DataConfig
from conch.core.errors import DataError
from conch.data import cache, prepare
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from tests.tiny import tiny_tokenizer, write_rows

TEMPLATE = ChatTemplate.of(tiny_tokenizer())


def prepared(file: Path, template: ChatTemplate = TEMPLATE, seed: int = 0, **settings: Any) -> Prepared:
    return prepare.prepare(DataConfig(dataset=(str(file),), **settings), template, seed)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were tokenised, each time that some were."""
    counted: list[int] = []
    real = prepare._Task._tokenised

    def counting(*args: Any) -> cache.Tokens:
        tokens = real(*args)
        counted.append(len(tokens.train))
        return tokens

    monkeypatch.setattr(prepare._Task, "_tokenised", counting)
    return counted


def test_the_second_time_nothing_is_tokenised_and_all_is_the_same(rows: Path, made: list[int]) -> None:
    first, again = (prepared(rows, val_size=2) for _ in range(2))
    assert first == again
    assert first.facts() == again.facts()
    assert made == [10]


def test_kept_tokens_are_packed_like_new_ones(rows: Path, made: list[int]) -> None:
    plain, packed, again = (prepared(rows, packing=on) for on in (False, True, True))
    assert packed == again
    assert packed.rows
    assert plain.rows is None
    assert plain.train == packed.train
    assert made == [12]


@pytest.mark.parametrize(
    "settings",
    [
        {"cutoff_len": 30},
        {"train_on_prompt": True},
        {"mask_history": True},
        {"max_samples": 3},
        {"val_size": 2},
        {"default_system": "Be brief."},
        {"seed": 1, "val_size": 2},
        {"template": replace(TEMPLATE, thinking=False)},
        {"template": replace(TEMPLATE, source=TEMPLATE.source + " ")},
        {"template": ChatTemplate.of(tiny_tokenizer(special=["<p>", "<|im_start|>", "<|im_end|>"]))},
        {"overwrite_cache": True},
    ],
    ids=str,
)
def test_whatever_changes_is_made_anew(rows: Path, made: list[int], settings: dict[str, Any]) -> None:
    prepared(rows)
    prepared(rows, **settings)
    assert len(made) == 2


def test_a_changed_file_is_read_anew(rows: Path, made: list[int]) -> None:
    prepared(rows)
    size = rows.stat().st_size
    rows.write_text(rows.read_text().replace("magic", "magIc"))
    assert rows.stat().st_size == size
    os.utime(rows, (0, 0))
    assert "magIc" in TEMPLATE.tokenizer.decode(prepared(rows).train[0].input_ids)
    assert len(made) == 2


def test_another_order_of_datasets_is_made_anew(rows: Path, tmp_path: Path, made: list[int]) -> None:
    other = write_rows(tmp_path / "other.json", 3)
    for names in ((str(rows), str(other)), (str(other), str(rows))):
        prepare.prepare(DataConfig(dataset=names), TEMPLATE, 0)
    assert len(made) == 2


def test_a_damaged_entry_is_made_anew(rows: Path, home: Path, made: list[int]) -> None:
    whole = list(prepared(rows).train)
    (file,) = home.glob(f"cache/tokens/*/{cache.TRAIN}")
    cut = file.read_bytes()[:-3]
    file.unlink()  # the file is mapped: what is written into it would change what was read
    file.write_bytes(cut)
    assert list(prepared(rows).train) == whole
    assert list(prepared(rows).train) == whole
    assert len(made) == 2


def test_where_nothing_can_be_kept_training_goes_on_and_says_so(
    rows: Path, home: Path, made: list[int]
) -> None:
    home.mkdir(parents=True)
    (home / "cache").write_text("in the way")
    found = prepared(rows)
    assert len(found.train) == 12
    assert [notice.key for notice in found.notices] == ["training.tokens_not_kept"]
    assert str(home) in found.notices[0].message


def test_what_was_used_least_lately_makes_room(
    rows: Path, home: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for cutoff in (100, 101):
        prepared(rows, cutoff_len=cutoff)
        time.sleep(0.02)
    prepared(rows, cutoff_len=100)
    (size,) = {sum(f.stat().st_size for f in d.iterdir()) for d in (home / "cache/tokens").iterdir()}
    monkeypatch.setattr(cache, "KEPT_BYTES", 2 * size + size // 2)
    time.sleep(0.02)
    prepared(rows, cutoff_len=102)
    assert len(list((home / "cache/tokens").iterdir())) == 2
    made.clear()
    for cutoff in (100, 102):
        prepared(rows, cutoff_len=cutoff)
    assert made == []


def test_a_tokenizer_that_cannot_be_told_from_others_is_not_cached(home: Path, rows: Path) -> None:
    from tests.data.test_template import LetterTokenizer

    prepared(rows, ChatTemplate.of(LetterTokenizer()))
    assert not (home / "cache").exists()


# tokenized_path


def test_tokens_of_the_users_own_are_written_then_read(rows: Path, tmp_path: Path, made: list[int]) -> None:
    folder = tmp_path / "tokens"
    first = prepared(rows, tokenized_path=str(folder), val_size=2)
    assert (folder / cache.FACTS).is_file()
    rows.unlink()
    again = prepared(rows, tokenized_path=str(folder), val_size=2)
    without = prepare.prepare(DataConfig(tokenized_path=str(folder), val_size=2), TEMPLATE, 7)
    assert first == again == without
    assert made == [10]


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"cutoff_len": 30}, "cutoff_len"),
        ({"train_on_prompt": True}, "train_on_prompt"),
        ({"template": replace(TEMPLATE, source=TEMPLATE.source + " ")}, "template"),
        ({"template": replace(TEMPLATE, thinking=True)}, "enable_thinking"),
        (
            {"template": ChatTemplate.of(tiny_tokenizer(special=["<p>", "<|im_start|>", "<|im_end|>"]))},
            "model",
        ),
        ({"val_size": 2}, "val_size"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tokens_made_otherwise_are_refused(
    rows: Path, tmp_path: Path, made: list[int], settings: dict[str, Any], part: str
) -> None:
    folder = str(tmp_path / "tokens")
    prepared(rows, tokenized_path=folder)
    with pytest.raises(DataError) as error:
        prepared(rows, tokenized_path=folder, **settings)
    assert error.value.key == "training.tokens_differ"
    assert part in str(error.value)
    prepared(rows, tokenized_path=folder, overwrite_cache=True, **settings)
    assert prepared(rows, tokenized_path=folder, **settings).train
    assert len(made) == 2


def test_tokens_of_other_data_are_refused(rows: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "tokens")
    prepared(rows, tokenized_path=folder)
    write_rows(rows, 5)
    with pytest.raises(DataError) as error:
        prepared(rows, tokenized_path=folder)
    assert "data" in str(error.value)


def test_damaged_tokens_are_told(rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    prepared(rows, tokenized_path=str(folder))
    (folder / cache.TRAIN).write_bytes(b"")
    with pytest.raises(DataError) as error:
        prepared(rows, tokenized_path=str(folder))
    assert error.value.key == "training.tokens_broken"
    assert str(folder) in str(error.value)


def test_a_folder_that_cannot_be_written_is_told(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(DataError) as error:
        prepared(rows, tokenized_path=str(tmp_path / "in the way" / "tokens"))
    assert error.value.key == "training.tokens_unwritable"


def test_what_was_kept_says_how_it_was_made(rows: Path, tmp_path: Path) -> None:
    prepared(rows, tokenized_path=str(tmp_path / "tokens"))
    facts = json.loads((tmp_path / "tokens" / cache.FACTS).read_text())
    assert facts["fingerprint"]["cutoff_len"] == 2048
    assert facts["fingerprint"]["stage"] == "sft"
