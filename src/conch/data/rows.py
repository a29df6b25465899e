"""What every reader gives and every format takes: rows, and places where no row could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from conch.core.conversation import Conversation, Document, Feedback, Origin, Preference
from conch.core.errors import DataError, RowError
from conch.core.text import tr

Sample: TypeAlias = Conversation | Preference | Feedback | Document
"""What a row may become."""


@dataclass(frozen=True)
class Row:
    """One row as it stands in its file.

    `file` is a path, or `archive!member`. `number` counts from 1; in files of lines and in
    tables it is the line that an editor or a spreadsheet shows.
    """

    file: str
    number: int
    values: Mapping[str, Any]

    def origin(self) -> Origin:
        return Origin(self.file, self.number)

    def error(self, key: str, **values: Any) -> RowError:
        """Something wrong with this row."""
        return RowError(key, file=self.file, row=self.number, **values)


@dataclass(frozen=True)
class Fault:
    """A place where no row could be read. Reading goes on behind it, unless it is the `end`."""

    error: DataError
    raw: str = ""
    """What stood there, as far as it is text."""
    end: bool = False


Item: TypeAlias = Row | Fault


def json_type(value: Any) -> str:
    """The type of a parsed value, in the reader's language."""
    words = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    word = words.get(type(value), "null" if value is None else "")
    return tr(f"check.json.{word}") if word else type(value).__name__
