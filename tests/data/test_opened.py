"""A config's datasets are opened once, with what the config says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.data import DataConfig
from conch.core.errors import DataError
from conch.data.opened import Datasets
from tests.data.made import ALPACA, write


def test_a_dataset_is_opened_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    datasets = Datasets(DataConfig(default_system="Be brief.", dataset_source="hf-mirror"))
    opened = datasets.opened(str(file))
    assert datasets.opened(str(file)) is opened
    assert opened.default_system == "Be brief."
    assert opened.dataset.source == "hf-mirror"
    assert datasets.notices == []


def test_what_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    datasets = Datasets(DataConfig(dataset_dir=str(tmp_path)))
    with pytest.raises(DataError):
        datasets.opened("a.jsonl")
    write(tmp_path / "a.jsonl", ALPACA)
    assert datasets.opened("a.jsonl").files
