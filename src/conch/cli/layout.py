"""Text in columns and lines of a terminal, where a Chinese character takes two places."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Collection, Iterator, Sequence

_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\u3000-\u303f"
_OPEN, _CLOSE = "[（【「『《“]*", "[，。！？：；、）】」』》…”]*"
_PIECE = re.compile(rf"{_OPEN}[{_WIDE}]{_CLOSE}|{_OPEN}[^\s{_WIDE}]+{_CLOSE}|\s+|.")
"""What stays together on a line: a word or path, or a Chinese character, with the signs around it."""
GAP = "  "


def width_of(text: str) -> int:
    """Places that `text` takes."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` with spaces behind it, or before it, so that it takes `width` places."""
    space = " " * max(0, width - width_of(text))
    return space + text if right else text + space


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Rows as lines, each column as wide as its widest cell; those of `right` flush right.

    A row may lack its last cells. The last column is not padded, so that a long path wraps no other.
    """
    count = max(map(len, rows), default=0)
    widths = [max(width_of(row[i]) for row in rows if len(row) > i) for i in range(count)]
    for row in rows:
        cells = [pad(cell, widths[i], right=i in right) for i, cell in enumerate(row)]
        yield GAP.join(cells).rstrip()


def terminal_width() -> int | None:
    """Of standard output; None where it is no terminal, so that nothing is broken into lines."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fold(text: str, indent: int = 0, width: int | None = None) -> str:
    """`text` broken between words into lines of `width` places (of the terminal unless given).

    All lines but the first are indented. A word that is longer than a line, such as a path, stays whole.
    """
    width = width or terminal_width()
    if width is None:
        return text
    lines, line, taken = [], "", 0
    for piece in _PIECE.findall(text):
        size = width_of(piece)
        if taken > indent and taken + size > width and not piece.isspace():
            lines.append(line.rstrip())
            line, taken = " " * indent, indent
        if piece.isspace() and not line.strip() and lines:
            continue
        line, taken = line + piece, taken + size
    return "\n".join([*lines, line.rstrip()])
