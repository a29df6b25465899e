"""What the columns of one row say about its format: which column could hold which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conch.data import cells
from conch.data.layout import OPENAI, SHAREGPT, Layout

Candidates = tuple[str, ...]
Groups = Sequence[tuple[str, ...]]
"""Names that a column may have, the surest first; names of one group are equally good."""

PROMPTS: Groups = (("instruction",), ("prompt", "question"), ("query",), ("input",))
ANSWERS: Groups = (("output",), ("response", "answer", "completion"), ("target",))
QUERIES: Groups = (("input",), ("context",), ("query",))
MESSAGES: Groups = (("messages", "conversations"), ("conversation", "dialogue", "dialog"))


@dataclass(frozen=True)
class Clues:
    """Part to the columns that could hold it, and the layout that the rest is taken from."""

    parts: Mapping[str, Candidates]
    layout: Layout


def one_of(values: Mapping[str, Any], groups: Groups) -> Candidates:
    """The columns of the surest group that the row has."""
    found = (tuple(name for name in group if name in values) for group in groups)
    return next((names for names in found if names), ())


def instruction_parts(values: Mapping[str, Any]) -> dict[str, Candidates]:
    """The columns of an instruction and its input."""
    prompt = one_of(values, PROMPTS)
    return {"prompt": prompt, "query": one_of(values, [group for group in QUERIES if group[0] not in prompt])}


def messages_clues(values: Mapping[str, Any]) -> Clues | None:
    """A column that holds a list of messages, and whether they speak as OpenAI's or ShareGPT's do."""
    held = {name: value for name, value in values.items() if as_message(value) is not None}
    column = one_of(held, MESSAGES)
    message = as_message(held[column[0]]) if column else None
    layout = message_layout(message) if message is not None else None
    return Clues({"messages": column}, layout) if layout else None


def as_message(value: Any) -> Mapping[str, Any] | None:
    """The first message of a list of messages, or None where it is no such list."""
    listed = cells.unpacked(value)
    first = listed[0] if isinstance(listed, list) and listed else None
    return first if isinstance(first, dict) else None


def message_layout(message: Mapping[str, Any]) -> Layout | None:
    """Whose words a message is in."""
    base = OPENAI if "role" in message else SHAREGPT if "from" in message else None
    if base is None:
        return None
    content = next((key for key in (base.tags.content_tag, "content", "value") if key in message), None)
    changes = {"content_tag": content} if content else {}
    return Layout(base.columns, replace(base.tags, **changes))
