"""ShareGPT: a list of messages `{"from": "human", "value": …}`; calls of tools are turns of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Conversation
from conch.data.clues import Clues, messages_clues
from conch.data.layout import SHAREGPT, Layout
from conch.data.prompts import prompt_of
from conch.data.rows import Row


class SharegptFormat:
    name = "sharegpt"
    sample = Conversation
    layout = SHAREGPT
    rank = 1

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        found = messages_clues(values)
        return found if found and found.layout.tags.role_tag == SHAREGPT.tags.role_tag else None

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Conversation:
        return prompt_of(row, layout, default_system)
