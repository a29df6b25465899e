"""Words of the field that are no keys of ours lead to the key that is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.aliases import ALIASES
from conch.config.export import ExportConfig
from conch.config.load import TRAIN, load_train
from conch.core.errors import ConfigErrors, UsageError


def suggested(key: str) -> str:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={"model_name_or_path": "m", "dataset": "d", key: 1})
    return next(problem.suggestion for problem in error.value.problems if problem.key == key)


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("lr", "learning_rate"),
        ("LR", "learning_rate"),
        ("epochs", "num_train_epochs"),
        ("batch_size", "per_device_train_batch_size"),
        ("model", "model_name_or_path"),
        ("max_seq_length", "cutoff_len"),
        ("lora_rnak", "lora_rank"),
        ("zzzz", ""),
    ],
)
def test_a_word_leads_to_its_key(word: str, key: str) -> None:
    assert suggested(word) == key


def test_every_word_leads_to_a_key_that_exists_and_is_none_itself() -> None:
    known = TRAIN.known() | ExportConfig.model_fields.keys()
    assert set(ALIASES.values()) - known == set()
    assert ALIASES.keys() & TRAIN.known() == set()


@pytest.mark.parametrize(
    ("there", "typed", "close"),
    [("train.yaml", "train.yml", "train.yaml"), ("train.yaml", "trian.yaml", "train.yaml")],
)
def test_a_file_that_is_not_there_is_told_with_the_one_that_is_meant(
    there: str, typed: str, close: str, tmp_path: Path
) -> None:
    (tmp_path / there).write_text("a: 1")
    with pytest.raises(UsageError) as error:
        load_train(tmp_path / typed)
    assert error.value.key == "config.no_file_close"
    assert str(tmp_path / close) in error.value.hint


def test_nothing_is_suggested_where_nothing_is_close(tmp_path: Path) -> None:
    (tmp_path / "unlike.json").write_text("{}")
    with pytest.raises(UsageError) as error:
        load_train(tmp_path / "train.yaml")
    assert error.value.key == "config.no_file"
