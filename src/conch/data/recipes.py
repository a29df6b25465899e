"""How the rows of a training stage are read, and what examples become of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document
from conch.core.notice import Hear, unheard
from conch.data.example import Example, conversation_examples, document_examples
from conch.data.reading import read_samples
from conch.data.sources import asked_dataset
from conch.data.template import ChatTemplate


def read_conversations(names: Sequence[str], config: DataConfig) -> list[Conversation]:
    """The conversations of every dataset named, each bounded by `max_samples`, in order."""
    return [found for name in names for found in stream_conversations(name, config)]


def read_documents(names: Sequence[str], config: DataConfig) -> list[Document]:
    """The documents of every dataset named, each bounded by `max_samples`, in order."""
    return [found for name in names for found in stream_documents(name, config)]


def stream_conversations(name: str, config: DataConfig, told: Hear = unheard) -> Iterator[Conversation]:
    """The conversations of one dataset, read as they are asked for. Raises DataError where there are none."""
    dataset = asked_dataset(name, config)
    return read_samples(dataset, Conversation, config.max_samples, config.default_system, told)


def stream_documents(name: str, config: DataConfig, told: Hear = unheard) -> Iterator[Document]:
    """The documents of one dataset, read as they are asked for. Raises DataError where there are none."""
    return read_samples(asked_dataset(name, config), Document, config.max_samples, told=told)


class RowExamples(Protocol):
    def __call__(self, row: Any, /, config: DataConfig, template: ChatTemplate) -> list[Example]: ...


class Recipe(NamedTuple):
    """How the rows of a stage are read, and what examples become of one."""

    stream: Callable[[str, DataConfig, Hear], Iterator[Any]]
    examples: RowExamples


RECIPES = {
    "sft": Recipe(stream_conversations, conversation_examples),
    "pt": Recipe(stream_documents, document_examples),
}
"""Stage to recipe."""
