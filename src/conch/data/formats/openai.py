"""OpenAI: a list of messages `{"role": "user", "content": …}` with tool calls and their results.

A sample holds what its row holds: no system text is added to those that have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation
from conch.data.clues import Clues, messages_clues
from conch.data.layout import OPENAI, Layout
from conch.data.prompts import prompt_of
from conch.data.rows import Row


class OpenAIFormat:
    name = "openai"
    sample = Conversation
    layout = OPENAI
    rank = 1

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        found = messages_clues(values)
        return found if found and found.layout.tags.role_tag == OPENAI.tags.role_tag else None

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Conversation:
        return prompt_of(row, layout, default_system)
