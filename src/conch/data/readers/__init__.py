"""Kinds of dataset files. A new kind is a new file beside this one, and a line in the table.

A reader turns one file into rows, one by one. It never holds a whole file where the format
allows to read it in parts, and it goes on behind a broken line where the format has lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from conch.core.errors import DataError
from conch.data.files import DataFile, damaged
from conch.data.readers.arrow import ArrowReader
from conch.data.readers.delimited import DelimitedReader
from conch.data.readers.json_rows import JsonReader
from conch.data.readers.parquet import ParquetReader
from conch.data.readers.plain import PlainReader
from conch.data.readers.xlsx import XlsxReader
from conch.data.rows import Fault, Item, Row


class Reader(Protocol):
    def read(self, file: DataFile) -> Iterator[Item]:
        """The rows of `file`. Whatever is raised ends it."""
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
    """The rows of `file`. What its library can't read ends in a fault, however it says so."""
    items = READERS[file.suffix].read(file)
    while True:
        try:
            item = next(items)
        except StopIteration:
            return
        except DataError as error:
            yield Fault(error, end=True)
            return
        except Exception as error:  # zlib, csv, pyarrow and openpyxl raise all kinds for damaged files
            yield Fault(damaged(file.shown, error), end=True)
            return
        yield item


def count(file: DataFile) -> int | None:
    """How many rows `file` says that it has, where its kind says so. Raises DataError."""
    try:
        return READERS[file.suffix].count(file)
    except DataError:
        raise
    except Exception as error:  # as in `read`
        raise damaged(file.shown, error) from error
