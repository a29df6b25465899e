"""KTO: one answer, and whether a person liked it (`kto_tag`, or `label` as TRL names it)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation, Feedback
from conch.data import cells
from conch.data.clues import (
    ANSWERS,
    Clues,
    as_message,
    instruction_parts,
    message_layout,
    messages_clues,
    one_of,
)
from conch.data.layout import ALPACA, Layout
from conch.data.prompts import answer_of, prompt_of
from conch.data.rows import Row, json_type

_WORDS = {"true": True, "1": True, "false": False, "0": False}
"""What tables write for true and false."""


class KtoFormat:
    name = "kto"
    sample = Feedback
    layout = Layout(ALPACA.columns.changed({"kto_tag": "kto_tag"}), ALPACA.tags)
    rank = 0

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        tag = one_of(values, (("kto_tag",), ("label",)))
        if not tag or (tag == ("label",) and not _is_tag(values["label"])):
            return None
        talk = messages_clues(values)
        if talk:
            return Clues({**talk.parts, "kto_tag": tag}, talk.layout)
        parts = {**instruction_parts(values), "response": one_of(values, ANSWERS), "kto_tag": tag}
        if not parts["prompt"] or not parts["response"]:
            return None
        return Clues(parts, _layout(values[parts["response"][0]], self.layout))

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Feedback:
        column = layout.columns.kto_tag or "kto_tag"
        liked = _liked(row, column, cells.needed(row, column))
        prompt = prompt_of(row, layout, default_system)
        if layout.columns.messages is None:
            answer = answer_of(row, layout.columns.response or "response", layout)
            return Feedback(prompt, answer, liked, row.origin())
        *before, last = prompt.messages
        if last.role != "assistant":
            raise row.error("check.not_an_answer", column=layout.columns.messages, role=last.role)
        asked = Conversation(tuple(before), prompt.tools, prompt.origin)
        return Feedback(asked, last, liked, row.origin())


def _is_tag(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in _WORDS)


def _liked(row: Row, column: str, value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    if not isinstance(value, bool):
        raise row.error("check.not_a_tag", column=column, found=json_type(value))
    return value


def _layout(answer: Any, otherwise: Layout) -> Layout:
    """The words of an answer that is a list of one message, as TRL writes it."""
    message = as_message(answer)
    found = message_layout(message) if message else None
    return Layout(otherwise.columns, found.tags) if found else otherwise
