"""Plain text: each line that is not blank is a document, as in Hugging Face's `text` loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conch.data.files import DataFile
from conch.data.lines import lines_of
from conch.data.rows import Fault, Item, Row


class PlainReader:
    def read(self, file: DataFile) -> Iterator[Item]:
        for number, line in lines_of(file):
            if isinstance(line, Fault):
                yield line
            elif line.strip():
                yield Row(file.shown, number, {"text": line.rstrip("\r\n")})

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        with target.open("w", encoding="utf-8", newline="") as out:
            out.writelines(f"{row.values['text']}\n" for row in rows)

    def count(self, file: DataFile) -> int | None:
        return None
