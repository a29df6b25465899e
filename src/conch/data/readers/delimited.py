"""Tables with a delimiter: CSV and TSV, with the names of the columns in the first line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conch.data.files import DataFile
from conch.data.lines import LONGEST, lines_of
from conch.data.rows import Fault, Item, Row


class DelimitedReader:
    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter

    def read(self, file: DataFile) -> Iterator[Item]:
        csv.field_size_limit(LONGEST)
        feed = _Feed(file)
        table = csv.reader(feed, delimiter=self.delimiter_of(file))
        header = next(table, [])
        if feed.faults:  # without the names of the columns there is nothing to go on with
            yield Fault(feed.faults[0].error, end=True)
            return
        for begin, _, cells in _records(file, feed, table):
            if isinstance(cells, Fault):
                yield cells
            elif any(cell.strip() for cell in cells):
                yield _row(Row(file.shown, begin, {}), header, cells)

    def header(self, file: DataFile) -> list[str]:
        """The names of the columns."""
        return next(csv.reader(_Feed(file), delimiter=self.delimiter_of(file)), [])

    def lines_of_row(self, file: DataFile, number: int) -> range:
        """The lines of the row that begins at line `number`; none where none does."""
        csv.field_size_limit(LONGEST)
        feed = _Feed(file)
        table = csv.reader(feed, delimiter=self.delimiter_of(file))
        next(table, [])
        found = (range(begin, end) for begin, end, _ in _records(file, feed, table) if begin == number)
        return next(found, range(0))

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        with target.open("w", encoding="utf-8", newline="") as out:
            writer: Any = None
            for row in rows:
                if writer is None:
                    writer = csv.DictWriter(out, list(row.values), delimiter=self.delimiter_of(file))
                    writer.writeheader()
                writer.writerow(row.values)

    def count(self, file: DataFile) -> int | None:
        return None

    def delimiter_of(self, file: DataFile) -> str:
        """The delimiter; spreadsheets write `;` or a tab under the name .csv in some countries."""
        first = next((line for _, line in lines_of(file) if isinstance(line, str)), "")
        others = [mark for mark in (";", "\t") if mark in first]
        return others[0] if self._delimiter == "," and "," not in first and others else self._delimiter


class _Feed:
    """Lines for the csv module, with the number of the last one and what was wrong with any."""

    def __init__(self, file: DataFile) -> None:
        self._lines = lines_of(file)
        self.line = 0
        self.faults: list[Fault] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.line, line = next(self._lines)
        if isinstance(line, Fault):
            self.faults.append(line)
            return "\n"
        return line


def _records(file: DataFile, feed: _Feed, table: Any) -> Iterator[tuple[int, int, list[str] | Fault]]:
    """Each record with its first line and the one behind its last; a fault where it could not be read."""
    while True:
        feed.faults.clear()
        begin = feed.line + 1
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error as error:
            wrong = Row(file.shown, begin, {}).error("check.bad_table", reason=str(error))
            yield begin, feed.line + 1, Fault(wrong, end=True)
            return
        yield begin, feed.line + 1, feed.faults[0] if feed.faults else cells


def _row(place: Row, header: list[str], cells: list[str]) -> Item:
    if len(cells) > len(header):
        error = place.error("check.too_many_cells", found=len(cells), expected=len(header))
        return Fault(error, ",".join(cells))
    filled: list[str | None] = [*cells, *[None] * (len(header) - len(cells))]
    return Row(place.file, place.number, dict(zip(header, filled, strict=True)))
