"""Plain text for pre-training: one column, each row a document. `prompt` names the column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.conversation import Document
from conch.data import cells
from conch.data.clues import Clues, one_of
from conch.data.layout import TEXT, Layout
from conch.data.rows import Row


class TextFormat:
    name = "text"
    sample = Document
    layout = TEXT
    rank = 2

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        column = one_of(values, (("text",), ("content", "raw_content")))
        written = bool(column) and isinstance(values[column[0]], str)
        return Clues({"prompt": column}, self.layout) if written else None

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Document:
        column = layout.columns.prompt or "text"
        return Document(cells.text(row, column, cells.needed(row, column), filled=True), row.origin())
