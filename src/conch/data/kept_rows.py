"""Rows that wait to be tokenised, in little memory: each as one block of bytes.

A hundred thousand rows as objects are millions of small ones, spread over the memory: what is done
between them is slower by a fifth, garbage collection looks through all of them, and processes that
share them copy them. Packing and unpacking a row takes a few microseconds.
"""

from __future__ import annotations

import marshal
from typing import Any

from conch.core.conversation import Conversation, Document, Message, Origin, ToolCall


def packed(row: Any) -> Any:
    """A row as bytes, for this process and those that it starts. What can't be packed stays as it is."""
    try:
        match row:
            case Conversation():
                return marshal.dumps(
                    (_place(row), list(map(_turn, row.messages)), [dict(tool) for tool in row.tools])
                )
            case Document():
                return marshal.dumps((_place(row), row.text))
    except ValueError:  # a value that no JSON has, such as a date
        pass
    return row


def unpacked(kept: Any) -> Any:
    """The row that `packed` was given."""
    if not isinstance(kept, bytes):
        return kept
    place, content, *tools = marshal.loads(kept)
    origin = Origin(*place) if place else None
    if not tools:
        return Document(content, origin)
    return Conversation(tuple(map(_message, content)), tuple(tools[0]), origin)


def _place(row: Conversation | Document) -> tuple[str, int] | None:
    return (row.origin.file, row.origin.row) if row.origin else None


def _turn(turn: Message) -> tuple[Any, ...]:
    calls = [(call.name, dict(call.arguments), call.id) for call in turn.tool_calls]
    return turn.role, turn.content, turn.trained, calls, turn.tool_call_id, turn.name


def _message(turn: tuple[Any, ...]) -> Message:
    role, content, trained, calls, *others = turn
    return Message(role, content, trained, tuple(ToolCall(*call) for call in calls), *others)
