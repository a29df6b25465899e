"""A file of rows, written anew with one row changed. All else stays as it stands: byte by byte in
files of lines and in tables, row by row in a JSON array, whose indentation is kept.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import DataError
from conch.data import readers
from conch.data.files import DataFile
from conch.data.readers.delimited import DelimitedReader
from conch.data.rows import Fault, Item, Row

TABLES = {".csv": DelimitedReader(","), ".tsv": DelimitedReader("\t")}
KINDS = (".json", ".jsonl", ".ndjson", *TABLES)
"""Endings of the files whose rows can be changed one by one."""
_BEGIN = 4096
_INDENTED = re.compile(rb"\s*\[\s*\n([ \t]+)\{[ \t]*\r?\n")


@dataclass(frozen=True)
class Change:
    """What becomes of row `number` (as readers count; None: one behind the last): its values; None: gone."""

    number: int | None
    values: Mapping[str, Any] | None


def splice(file: DataFile, change: Change, target: Path) -> None:
    """Write `file` to `target` with one row changed. Raises DataError where it can't be read to its end."""
    if file.suffix in TABLES:
        _splice_table(file, change, target)
    elif is_array(file):
        _splice_array(file, change, target)
    else:
        text = "" if change.values is None else f"{as_json(change.values)}\n"
        _splice_lines(file, _one_line(change.number), text, target)


def is_array(file: DataFile) -> bool:
    """Whether a JSON file holds one array, and not a row a line."""
    return _begin_of(file).lstrip()[:1] == b"["


def number_of(item: Item) -> int | None:
    """Where a row, or a place where none could be read, stands in its file."""
    return item.number if isinstance(item, Row) else getattr(item.error, "row", None)


def _begin_of(file: DataFile) -> bytes:
    with file.open() as stream:
        return stream.read(_BEGIN).removeprefix(b"\xef\xbb\xbf")


# lines


def _one_line(number: int | None) -> range | None:
    return None if number is None else range(number, number + 1)


def _splice_lines(file: DataFile, lines: range | None, text: str, target: Path) -> None:
    """Put `text` in place of `lines` (from 1); at the end where there are none."""
    ends_well = True
    with file.open() as source, target.open("wb") as out:
        for number, line in enumerate(source, 1):
            if lines is not None and number == lines.start:
                out.write(text.encode())
            if lines is None or number not in lines:
                out.write(line)
                ends_well = line.endswith(b"\n")
        if lines is None:
            out.write(b"" if ends_well else b"\n")
            out.write(text.encode())


# tables


def _splice_table(file: DataFile, change: Change, target: Path) -> None:
    reader = TABLES[file.suffix]
    text = ""
    if change.values is not None:
        header = reader.header(file)
        first = _begin_of(file).partition(b"\n")[0]
        out = io.StringIO(newline="")
        ending = "\r\n" if first.endswith(b"\r") else "\n"
        writer = csv.writer(out, delimiter=reader.delimiter_of(file), lineterminator=ending)
        writer.writerow([_cell(change.values.get(name)) for name in header])
        text = out.getvalue()
    lines = None if change.number is None else reader.lines_of_row(file, change.number)
    _splice_lines(file, lines, text, target)


def _cell(value: Any) -> str:
    """A cell is text: what is more is written as JSON, as it is read again (`conch.data.cells`)."""
    return "" if value is None else value if isinstance(value, str) else as_json(value)


# a JSON array


def _splice_array(file: DataFile, change: Change, target: Path) -> None:
    indented = _INDENTED.match(_begin_of(file))
    indent = indented[1].decode() if indented else None
    with target.open("wb") as out:
        out.write(b"[")
        for number, text in enumerate(_rows(file, change, indent)):
            out.write((f",\n{text}" if number else f"\n{text}").encode())
        out.write(b"\n]\n")


def _rows(file: DataFile, change: Change, indent: str | None) -> Iterator[str]:
    for item in readers.read(file):
        if isinstance(item, Fault) and item.end:
            raise DataError("edit.broken_file", file=file.shown, reason=item.error.message)
        if number_of(item) != change.number:
            yield _shown(json.loads(item.raw) if isinstance(item, Fault) else item.values, indent)
        elif change.values is not None:
            yield _shown(change.values, indent)
    if change.number is None and change.values is not None:
        yield _shown(change.values, indent)


def _shown(value: Any, indent: str | None) -> str:
    if indent is None:
        return as_json(value)
    return "\n".join(f"{indent}{line}" for line in as_json(value, indent).split("\n"))


def as_json(value: Any, indent: str | None = None) -> str:
    """Half of a surrogate pair, which rows may hold, is no UTF-8: there everything is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=str)
    return text
