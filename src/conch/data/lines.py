"""The lines of a text file, one by one, as text. A line that is not UTF-8 is told and passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

from conch.core.errors import RowError
from conch.data.files import MIB, DataFile
from conch.data.rows import Fault

LONGEST = 64 * MIB
"""A longer line is no row; it is never held whole."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

Line: TypeAlias = tuple[int, str | Fault]
"""The number of a line, from 1, and its text with its end."""


def lines_of(file: DataFile) -> Iterator[Line]:
    """Every line of `file`, its end kept. A file in UTF-16 is told of once."""
    with file.open() as stream:
        for number, raw in _numbered(stream):
            if number == 1:
                if raw.startswith(_UTF16_MARKS):
                    yield 1, Fault(not_utf8(file.shown, 1, raw), end=True)
                    return
                raw = raw.removeprefix(_UTF8_MARK)
            if len(raw) > LONGEST:
                yield number, Fault(_too_long(file.shown, number))
                continue
            try:
                yield number, raw.decode("utf-8")
            except UnicodeDecodeError:
                yield (
                    number,
                    Fault(not_utf8(file.shown, number, raw), raw.decode("utf-8", "backslashreplace")),
                )


def _numbered(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := stream.readline(LONGEST + 1):
        number += 1
        yield number, raw
        while len(raw) > LONGEST and not raw.endswith(b"\n"):  # the rest of a line that is too long
            raw = stream.readline(LONGEST + 1)
            if not raw:
                return


def _too_long(file: str, line: int) -> RowError:
    return RowError("check.long_line", file=file, row=line, unit="line", mib=LONGEST // MIB)


def not_utf8(file: str, line: int, data: bytes) -> RowError:
    return RowError("check.not_utf8", file=file, row=line, unit="line", guess=guess_encoding(data))


def guess_encoding(data: bytes) -> str:
    """What `data` is, since it is not UTF-8."""
    if data.startswith(_UTF16_MARKS):
        return "UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "latin-1"
    return "GBK"
