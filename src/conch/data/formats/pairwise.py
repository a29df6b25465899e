"""Pairs of answers to one prompt, the first liked better: texts, messages, or whole conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation, Message, Preference
from conch.data import cells
from conch.data.clues import Clues, as_message, instruction_parts, message_layout, messages_clues
from conch.data.layout import ALPACA, Layout
from conch.data.prompts import answer_of, conversation, prompt_of
from conch.data.rows import Row
from conch.data.turns import turns_of

_COLUMNS = {"chosen": "chosen", "rejected": "rejected"}


class PairwiseFormat:
    name = "pairwise"
    sample = Preference
    layout = Layout(ALPACA.columns.changed({**_COLUMNS, "response": None}), ALPACA.tags)
    rank = 0

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        if not all(column in values for column in _COLUMNS):
            return None
        answers = {part: (column,) for part, column in _COLUMNS.items()}
        talk = messages_clues(values)
        if talk:
            return Clues({**talk.parts, **answers}, talk.layout)
        chosen = values["chosen"]
        message = chosen if isinstance(chosen, dict) else as_message(chosen)
        found = message_layout(message) if message else None
        layout = Layout(self.layout.columns, found.tags if found else self.layout.tags)
        return Clues({**instruction_parts(values), **answers}, layout)

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Preference:
        chosen, rejected = layout.columns.chosen or "chosen", layout.columns.rejected or "rejected"
        if _is_whole(cells.needed(row, chosen)) and _is_whole(cells.needed(row, rejected)):
            return _whole(row, layout, default_system)
        prompt = prompt_of(row, layout, default_system)
        good, bad = answer_of(row, chosen, layout), answer_of(row, rejected, layout)
        return Preference(prompt, good, bad, row.origin())


def _is_whole(value: Any) -> bool:
    """Whether an answer comes with what it answers: a list of more than one message."""
    return isinstance(value, list) and len(value) > 1


def _whole(row: Row, layout: Layout, default_system: str | None) -> Preference:
    """Two conversations that are the same but for the last turn."""
    chosen, rejected = layout.columns.chosen or "chosen", layout.columns.rejected or "rejected"
    *before, good = turns_of(row, chosen, row.values[chosen], layout.tags)
    *other, bad = turns_of(row, rejected, row.values[rejected], layout.tags)
    if before != other:
        raise row.error("check.other_prompt", column=rejected, other=chosen)
    for column, answer in ((chosen, good), (rejected, bad)):
        _must_answer(row, column, answer)
    prompt: Conversation = conversation(row, layout, tuple(before), default_system)
    return Preference(prompt, good, bad, row.origin())


def _must_answer(row: Row, column: str, answer: Message) -> None:
    if answer.role != "assistant":
        raise row.error("check.not_an_answer", column=column, role=answer.role)
