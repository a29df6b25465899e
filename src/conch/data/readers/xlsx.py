"""Excel workbooks: the first sheet, with the names of the columns in its first filled row."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from conch.core.errors import DataError
from conch.data.files import DataFile, bound_of
from conch.data.rows import Fault, Item, Row


class XlsxReader:
    def read(self, file: DataFile) -> Iterator[Item]:
        from openpyxl import load_workbook

        with file.open_seekable() as stream:
            _refuse_bomb(stream, file)
            book = load_workbook(stream, read_only=True, data_only=True)
            header: list[str | None] = []
            for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
                if all(cell is None for cell in cells):
                    continue
                if not header:
                    header = [None if cell is None else str(cell) for cell in cells]
                    continue
                yield _row(Row(file.shown, number, {}), header, cells)

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        columns: list[str] = []
        for row in rows:
            if not columns:
                columns = list(row.values)
                sheet.append(columns)
            sheet.append([row.values.get(column) for column in columns])
        book.save(target)

    def count(self, file: DataFile) -> int | None:
        return None


def _refuse_bomb(stream: BinaryIO, file: DataFile) -> None:
    """A workbook is a zip archive, and its sheets are held unpacked."""
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
    packed = sum(info.compress_size for info in members)
    if sum(info.file_size for info in members) > bound_of(packed):
        raise DataError("data.bomb", file=file.shown)
    stream.seek(0)


def _row(place: Row, header: list[str | None], cells: tuple[Any, ...]) -> Item:
    values = {name: _text(cell) for name, cell in zip(header, cells, strict=False) if name is not None}
    stray = [cell for name, cell in zip(header, cells, strict=False) if name is None and cell is not None]
    stray += [cell for cell in cells[len(header) :] if cell is not None]
    if stray:
        named = sum(name is not None for name in header)
        found = sum(cell is not None for cell in cells)
        return Fault(place.error("check.too_many_cells", found=found, expected=named), str(stray[0]))
    return Row(place.file, place.number, values)


def _text(cell: Any) -> Any:
    """A cell's value; numbers and dates as text, since every column of a dataset is text."""
    if cell is None:
        return ""
    if isinstance(cell, (str, bool)):
        return cell
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
