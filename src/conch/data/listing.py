"""The registered datasets as a list: what each is, and what is wrong with those that can't be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conch.core.errors import DataError
from conch.data import readers, registry
from conch.data.dataset import Dataset
from conch.data.files import MIB, DataFile
from conch.data.reading import Opened, open_dataset
from conch.data.rows import Row

COUNTED = 64 * MIB
"""Rows of larger files are only counted where their kind tells the number by itself."""


@dataclass(frozen=True)
class Entry:
    name: str
    format: str | None
    rows: int | None
    file: str
    problem: str

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def listed(dataset_dir: str | None) -> Iterator[Entry]:
    """Every registered dataset. None is fetched from a hub for it."""
    for name, folder in registry.names(dataset_dir).items():
        place = "-"
        try:
            dataset = registry.described(name, registry.descriptions(folder)[name], folder)
            place = dataset.place
            yield _entry(dataset)
        except DataError as error:
            yield Entry(name, None, None, place, error.message)


def _entry(dataset: Dataset) -> Entry:
    if dataset.hubs:
        return Entry(dataset.name, dataset.formatting, None, dataset.place, "")
    opened = open_dataset(dataset)
    return Entry(dataset.name, opened.format.name, _rows(opened), dataset.place, "")


def _rows(opened: Opened) -> int | None:
    counts = [_count(file) for file in opened.files]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _count(file: DataFile) -> int | None:
    if file.path.stat().st_size > COUNTED:
        return readers.count(file)
    return sum(isinstance(item, Row) for item in readers.read(file))
