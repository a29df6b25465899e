"""Alpaca: an instruction, perhaps an input and a history, and the output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation, Message
from conch.data import cells
from conch.data.clues import ANSWERS, Clues, instruction_parts, one_of
from conch.data.layout import ALPACA, Layout
from conch.data.prompts import prompt_of
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
        listed = any(isinstance(values[column], (list, dict)) for part in parts.values() for column in part)
        return None if listed else Clues(parts, self.layout)

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Conversation:
        prompt = prompt_of(row, layout, default_system)
        column = layout.columns.response or "response"
        answer = cells.text(row, column, cells.needed(row, column), filled=True)
        return Conversation((*prompt.messages, Message("assistant", answer)), prompt.tools, prompt.origin)
