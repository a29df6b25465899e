"""Alpaca: an instruction, perhaps an input and a history, and the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation, Message
from conch.data import cells
from conch.data.clues import ANSWERS, Clues, as_message, instruction_parts, message_layout, one_of
from conch.data.layout import ALPACA, Layout
from conch.data.prompts import answer_of, prompt_of
from conch.data.rows import Row


class AlpacaFormat:
    name = "alpaca"
    sample = Conversation
    layout = ALPACA
    rank = 1

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        parts = {**instruction_parts(values), "response": one_of(values, ANSWERS)}
        if not (parts["prompt"] and parts["response"]) and "instruction" not in values:
            return None
        held = [values[column] for part in parts.values() for column in part]
        if not any(isinstance(cell, (list, dict)) for cell in held):
            return Clues(parts, self.layout)
        message = as_message(values[parts["response"][0]]) if parts["response"] else None
        found = message_layout(message) if message else None  # messages on both sides, as TRL writes them
        return Clues(parts, Layout(self.layout.columns, found.tags)) if found else None

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Conversation:
        prompt = prompt_of(row, layout, default_system)
        column = layout.columns.response or "response"
        value = cells.needed(row, column)
        if isinstance(value, list):
            answer = answer_of(row, column, layout)
        else:
            answer = Message("assistant", cells.text(row, column, value, filled=True))
        return Conversation((*prompt.messages, answer), prompt.tools, prompt.origin)
