"""One cell of a row → text or JSON, with a complaint that names file, row and column."""

from __future__ import annotations

import json
from typing import Any

from conch.data.rows import Row, json_type


def text(row: Row, column: str, value: Any, *, filled: bool = False) -> str:
    """`value` as text. Nothing is the empty text, unless it must be `filled`. Raises RowError."""
    if value is None:
        if filled:
            raise row.error("check.null", column=column)
        return ""
    if not isinstance(value, str):
        raise row.error("check.not_text", column=column, found=json_type(value))
    if filled and not value.strip():
        raise row.error("check.blank" if value else "check.empty", column=column)
    return whole(row, column, value)


def whole(row: Row, column: str, value: str) -> str:
    """`value`, unless it holds half of a surrogate pair, which no tokenizer reads."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(value[error.start]):04x}"
        raise row.error("check.half_letter", column=column, half=half) from error
    return value


def optional(row: Row, column: str | None) -> str:
    """The text of a column that need not be there."""
    return "" if column is None else text(row, column, row.values.get(column))


def needed(row: Row, column: str) -> Any:
    """The value of a column that must be there."""
    if column not in row.values:
        seen = ", ".join(map(str, row.values)) or "-"
        raise row.error("check.no_column", column=column, columns=seen)
    return row.values[column]


def unpacked(value: Any) -> Any:
    """A list or object; in tables, where every cell is text, it may be written as JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
