"""JSON: an array of rows, or one row a line. Either is recognised under both endings.

An array is parsed element by element from a window of text that moves along the file.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from conch.core.errors import DataError, RowError
from conch.data.files import MIB, DataFile
from conch.data.lines import LONGEST, lines_of, not_utf8
from conch.data.rows import Fault, Item, Row, json_type

_CHUNK = MIB
_LONGEST_WORD = 16
"""Longer than any word of JSON that a window could cut in two, such as -Infinity."""
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class JsonReader:
    def __init__(self, lines: bool = False) -> None:
        self._lines = lines
        """Whether the ending promises one row a line."""

    def read(self, file: DataFile) -> Iterator[Item]:
        first = _first_byte(file)
        if not self._lines or first == b"[":
            with file.open() as stream:
                window = _Window(stream, file.shown)
                try:
                    opening = window.peek()
                    if opening == "[":
                        yield from _array(window)
                    if opening in {"", "["}:
                        return
                    value = window.value()
                    if not isinstance(value, dict) or not window.peek():
                        raise DataError("data.not_array", file=file.shown, found=json_type(value))
                except RowError as error:
                    yield Fault(error, end=True)
                    return
        yield from _each_line(file)

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        with target.open("w", encoding="utf-8") as out:
            texts = (json.dumps(row.values, ensure_ascii=False, default=str) for row in rows)
            if self._lines:
                out.writelines(f"{text}\n" for text in texts)
                return
            first = next(texts, None)
            out.write("[")
            for number, text in enumerate(chain([] if first is None else [first], texts)):
                out.write(f",\n{text}" if number else f"\n{text}")
            out.write("\n]\n")

    def count(self, file: DataFile) -> int | None:
        return None


def _first_byte(file: DataFile) -> bytes:
    """The first byte that is not white space, of those at the beginning."""
    with file.open() as stream:
        return stream.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()[:1]


def _each_line(file: DataFile) -> Iterator[Item]:
    for number, line in lines_of(file):
        if isinstance(line, Fault):
            yield line
        elif line.strip():
            yield _parsed(file.shown, number, line)


def _parsed(shown: str, number: int, line: str) -> Item:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Fault(_not_json(shown, number, getattr(error, "colno", 1), error), line)
    return _row(shown, number, value)


def _row(shown: str, number: int, value: Any) -> Item:
    if isinstance(value, dict):
        return Row(shown, number, value)
    error = RowError("check.not_object", file=shown, row=number, found=json_type(value))
    return Fault(error, json.dumps(value, ensure_ascii=False))


def _not_json(shown: str, line: int, column: int, error: Exception | str) -> RowError:
    """What json said. Too deep nesting and too long numbers come without a place."""
    reason = getattr(error, "msg", None) or next(iter(str(error).splitlines()), "")
    return RowError("check.not_json", file=shown, row=line, unit="line", column=column, reason=reason)


def _array(window: _Window) -> Iterator[Item]:
    window.step()
    mark, number = window.peek(), 0
    while mark != "]":
        number += 1
        yield _row(window.shown, number, window.value())
        mark = window.peek()
        if mark == ",":
            window.step()
        elif mark != "]":
            raise window.error("Expecting ',' delimiter")
    window.step()
    if window.peek():
        raise window.error("Extra data")


class _Window:
    """The part of a text that is in hand. It reads on as it is asked to, and knows its lines."""

    def __init__(self, stream: BinaryIO, shown: str) -> None:
        self.shown = shown
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._line, self._column = 1, 1
        """Where `_text` begins."""

    def peek(self) -> str:
        """The next character that is not white space; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def step(self) -> None:
        """Pass over the character that `peek` showed."""
        self._at += 1

    def value(self) -> Any:
        """The next JSON value. Raises RowError."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._is_final(error) or not self._more():
                    raise self.error(error, error.pos) from error
            except (ValueError, RecursionError) as error:
                raise self.error(error) from error
            else:
                if end < len(self._text) or not self._more():  # a number may go on
                    self._at = end
                    return value

    def error(self, error: Exception | str, at: int | None = None) -> RowError:
        line, column = self._place(self._at if at is None else at)
        return _not_json(self.shown, line, column, error)

    def _is_final(self, error: json.JSONDecodeError) -> bool:
        """Whether more text could not mend it."""
        if len(self._text) - self._at > LONGEST:
            return True
        return not error.msg.startswith("Unterminated") and error.pos < len(self._text) - _LONGEST_WORD

    def _more(self) -> bool:
        """Read on, at least as much again as is in hand. False at the end of the file."""
        data = self._stream.read(max(_CHUNK, len(self._text) - self._at))
        try:
            text = self._decode(data, not data)
        except UnicodeDecodeError as error:
            before = self._text.count("\n") + data.count(b"\n", 0, error.start)
            raise not_utf8(self.shown, self._line + before, data) from error
        if not data:
            return False
        self._line, self._column = self._place(self._at)
        self._text, self._at = self._text[self._at :] + text, 0
        return True

    def _place(self, at: int) -> tuple[int, int]:
        """Line and column of a character in hand."""
        newlines = self._text.count("\n", 0, at)
        if not newlines:
            return self._line, self._column + at
        return self._line + newlines, at - self._text.rindex("\n", 0, at)
