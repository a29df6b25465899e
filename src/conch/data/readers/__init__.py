"""Kinds of dataset files. A new kind is a new file beside this one, and a line in the table.

A reader turns one file into rows and one by one. It never reads a whole file at once where the
format allows it, and it goes on behind a broken line where the format has lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from conch.data.readers.arrow import ArrowReader
from conch.data.readers.delimited import DelimitedReader
from conch.data.readers.json_rows import JsonReader
from conch.data.readers.parquet import ParquetReader
from conch.data.readers.plain import PlainReader
from conch.data.readers.xlsx import XlsxReader
from conch.data.rows import Item, Row
from conch.data.files import DataFile


class Reader(Protocol):
    def read(self, file: DataFile) -> Iterator[Item]:
        """The rows of `file`. Raises DataError where none of it can be read."""
        ...

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        """Write `rows`, all of `file`, to a new file of the same kind."""
        ...

    def count(self, file: DataFile) -> int | None:
        """How many rows there are, where that is known without reading them."""
        ...


READERS: dict[str, Reader] = {
    ".json": JsonReader(),
    ".jsonl": JsonReader(lines=True),
    ".ndjson": JsonReader(lines=True),
    ".csv": DelimitedReader(","),
    ".tsv": DelimitedReader("\t"),
    ".parquet": ParquetReader(),
    ".arrow": ArrowReader(),
    ".txt": PlainReader(),
    ".xlsx": XlsxReader(),
}
"""File ending to reader."""


def read(file: DataFile) -> Iterator[Item]:
    return READERS[file.suffix].read(file)
