"""What an answer answers: an instruction with its history, or a list of messages."""

from __future__ import annotations

from typing import TypeGuard

from conch.core.conversation import Conversation, Message
from conch.data import cells
from conch.data.layout import MEDIA, Layout
from conch.data.rows import Row
from conch.data.tools import tools_of
from conch.data.turns import turn_of, turns_of


def prompt_of(row: Row, layout: Layout, default_system: str | None = None) -> Conversation:
    """Everything before the answer, be it an instruction or messages."""
    columns = layout.columns
    if columns.messages is not None:
        turns = turns_of(row, columns.messages, cells.needed(row, columns.messages), layout.tags)
    elif columns.prompt is not None and isinstance(row.values.get(columns.prompt), list):
        turns = turns_of(row, columns.prompt, row.values[columns.prompt], layout.tags)
    else:
        turns = (*history(row, columns.history), Message("user", instruction(row, layout)))
    return conversation(row, layout, turns, default_system)


def conversation(
    row: Row, layout: Layout, turns: tuple[Message, ...], default_system: str | None = None
) -> Conversation:
    """`turns` with the row's tools, and the row's system text or else the default one in front.

    A system turn among them stays as it is. Nothing else is ever added.
    """
    refuse_media(row, layout)
    if not turns or turns[0].role != "system":
        system = cells.optional(row, layout.columns.system)
        system = system if system.strip() else default_system or ""
        turns = (Message("system", system), *turns) if system else turns
    return Conversation(turns, tools_of(row, layout.columns.tools), row.origin())


def instruction(row: Row, layout: Layout) -> str:
    """The instruction and the input, where both are given, joined by a newline."""
    columns = layout.columns
    query = cells.optional(row, columns.query)
    prompt = ""
    if columns.prompt is not None:
        value = cells.needed(row, columns.prompt)
        prompt = cells.text(row, columns.prompt, value, filled=not query.strip())
    elif not query.strip():
        raise row.error("check.empty", column=columns.query or "prompt")
    return "\n".join(part for part in (prompt, query) if part.strip())


def history(row: Row, column: str | None) -> tuple[Message, ...]:
    """The [question, answer] pairs before the instruction."""
    value = cells.unpacked(row.values.get(column)) if column else None
    if column is None or value is None or value in ("", []):
        return ()
    if not isinstance(value, list) or not all(_is_pair(turn) for turn in value):
        raise row.error("check.history", column=column)
    turns: list[Message] = []
    for number, (question, answer) in enumerate(value):
        turns.append(Message("user", cells.text(row, f"{column}[{number}][0]", question, filled=True)))
        turns.append(Message("assistant", cells.text(row, f"{column}[{number}][1]", answer, filled=True)))
    return tuple(turns)


def _is_pair(turn: object) -> TypeGuard[tuple[str, str]]:
    pair = isinstance(turn, (list, tuple)) and len(turn) == 2
    return pair and all(isinstance(text, str) for text in turn)  # type: ignore[attr-defined]


def answer_of(row: Row, column: str, layout: Layout) -> Message:
    """An answer: text, or a message, or a list that holds one."""
    value = cells.needed(row, column)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return Message("assistant", cells.text(row, column, value, filled=True))
    message = turn_of(row, column, value, layout.tags)
    if message.role != "assistant":
        raise row.error("check.not_an_answer", column=column, role=message.role)
    return message


def refuse_media(row: Row, layout: Layout) -> None:
    """Images, videos and audios can't be read yet; a row that has some is not half read."""
    for part in MEDIA:
        column = getattr(layout.columns, part)
        if column is not None and row.values.get(column):
            raise row.error("check.media", column=column)
