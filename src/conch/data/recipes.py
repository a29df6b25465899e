"""What the rows of a training stage are read as, and what examples become of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document
from conch.data.example import Example, conversation_examples, document_examples
from conch.data.opened import Datasets
from conch.data.reading import read_samples
from conch.data.rows import Sample
from conch.data.template import ChatTemplate


def read_conversations(names: Sequence[str], config: DataConfig) -> list[Conversation]:
    """The conversations of every dataset named, each bounded by `max_samples`, in order."""
    datasets = Datasets(config)
    return [
        conversation
        for name in names
        for conversation in read_samples(datasets.opened(name), Conversation, config.max_samples)
    ]


class RowExamples(Protocol):
    def __call__(self, row: Any, /, config: DataConfig, template: ChatTemplate) -> list[Example]: ...


class Recipe(NamedTuple):
    """What the rows of a stage are read as, and what examples become of one."""

    sample: type[Sample]
    examples: RowExamples


RECIPES = {
    "sft": Recipe(Conversation, conversation_examples),
    "pt": Recipe(Document, document_examples),
}
"""Stage to recipe."""
