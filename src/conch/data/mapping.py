"""Rows → conversations. Each function reads one format and complains by file, row and column."""

from __future__ import annotations

from typing import Any

from conch.core.conversation import Conversation, Message, Origin
from conch.core.errors import DataError
from conch.data.sources import Columns, Row, json_type


def alpaca(row: Row, columns: Columns, default_system: str | None = None) -> Conversation:
    """A row of instruction, input and output (and optionally system and history).

    The instruction and the input, where both are given, are joined by a newline, as
    LLaMA-Factory does. Turns of the history are trained like the last one; whether they stay
    so is the method's choice.
    """
    query = _text(row, columns.query)
    prompt = _text(row, columns.prompt, required=True, may_be_blank=bool(query.strip()))
    answer = _text(row, columns.response, required=True)
    system = _text(row, columns.system) or default_system or ""
    messages = [Message("system", system)] if system else []
    for question, reply in _history(row, columns.history):
        messages += [Message("user", question), Message("assistant", reply)]
    asked = "\n".join(part for part in (prompt, query) if part.strip())
    messages += [Message("user", asked), Message("assistant", answer)]
    return Conversation(tuple(messages), origin=Origin(str(row.file), row.number))


def _text(row: Row, column: str | None, *, required: bool = False, may_be_blank: bool = False) -> str:
    if column is None:
        return ""
    value = row.values.get(column)
    if value is None:
        if required and not (may_be_blank and column in row.values):
            seen = ", ".join(map(str, row.values)) or "-"
            raise DataError("data.no_column", file=row.file, row=row.number, column=column, columns=seen)
        return ""
    if not isinstance(value, str):
        raise DataError("data.not_text", file=row.file, row=row.number, column=column, found=json_type(value))
    if required and not may_be_blank and not value.strip():
        raise DataError("data.blank", file=row.file, row=row.number, column=column)
    return _whole(row, column, value)


def _whole(row: Row, column: str, text: str) -> str:
    """`text`, unless it holds half of a surrogate pair, which no tokenizer reads."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        values = {"file": row.file, "row": row.number, "column": column}
        raise DataError("data.half_letter", half=f"\\u{ord(text[error.start]):04x}", **values) from error
    return text


def _history(row: Row, column: str | None) -> list[tuple[str, str]]:
    turns: Any = row.values.get(column) if column else None
    if column is None or not turns:
        return []
    well_formed = isinstance(turns, list) and all(
        isinstance(turn, (list, tuple)) and len(turn) == 2 and all(isinstance(text, str) for text in turn)
        for turn in turns
    )
    if not well_formed:
        raise DataError("data.history", file=row.file, row=row.number, column=column)
    return [(_whole(row, column, question), _whole(row, column, reply)) for question, reply in turns]
