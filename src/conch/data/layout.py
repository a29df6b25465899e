"""Where the parts of a row are found: the columns and tags of a dataset description.

Names and defaults are those of LLaMA-Factory's `dataset_info.json`. What a description doesn't
name keeps its default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Columns:
    """Which column holds which part of a sample; None where there is none."""

    prompt: str | None = None
    query: str | None = None
    response: str | None = None
    history: str | None = None
    messages: str | None = None
    system: str | None = None
    tools: str | None = None
    images: str | None = None
    videos: str | None = None
    audios: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    kto_tag: str | None = None

    def named(self) -> dict[str, str]:
        """Part to column, those that there are."""
        return {part.name: name for part in fields(self) if (name := getattr(self, part.name)) is not None}

    def changed(self, given: Mapping[str, str | None]) -> Columns:
        """These columns with `given` on top. A default steps back from a column that `given` uses."""
        taken = {column for column in given.values() if column is not None}
        freed = {part: None for part, column in self.named().items() if column in taken}
        return replace(self, **{**freed, **given})


@dataclass(frozen=True)
class Tags:
    """The words of a list of messages: the keys of a message, and the names of the roles."""

    role_tag: str
    content_tag: str
    user_tag: str
    assistant_tag: str
    observation_tag: str
    function_tag: str
    system_tag: str


@dataclass(frozen=True)
class Layout:
    columns: Columns
    tags: Tags


PARTS = frozenset(part.name for part in fields(Columns))
TAGS = frozenset(tag.name for tag in fields(Tags))
MEDIA = ("images", "videos", "audios")

SHAREGPT_TAGS = Tags("from", "value", "human", "gpt", "observation", "function_call", "system")
OPENAI_TAGS = Tags("role", "content", "user", "assistant", "tool", "function_call", "system")

ALPACA = Layout(Columns(prompt="instruction", query="input", response="output"), SHAREGPT_TAGS)
SHAREGPT = Layout(Columns(messages="conversations"), SHAREGPT_TAGS)
OPENAI = Layout(Columns(messages="messages"), OPENAI_TAGS)
TEXT = Layout(Columns(prompt="text"), SHAREGPT_TAGS)
