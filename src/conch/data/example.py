"""Conversations and texts → token ids and labels. Pure counting: nothing here knows a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document, Message, Origin
from conch.core.errors import DataError, RowError
from conch.data.encoder import Encoder
from conch.data.template import ChatTemplate

IGNORED = -100
"""The label of a token that is not trained (PyTorch's cross-entropy convention)."""


@dataclass(frozen=True)
class Example:
    """One training sequence. `labels[i]` is `input_ids[i]` where it is trained, else -100."""

    input_ids: list[int]
    labels: list[int]
    origin: Origin | None = None
    truncated: bool = False

    def __len__(self) -> int:
        return len(self.input_ids)

    def trained(self) -> int:
        """How many tokens the loss is taken over."""
        return len(self.labels[1:]) - self.labels[1:].count(IGNORED)

    def cut(self, cutoff_len: int) -> Example:
        """The first `cutoff_len` tokens."""
        if len(self) <= cutoff_len:
            return self
        return Example(self.input_ids[:cutoff_len], self.labels[:cutoff_len], self.origin, truncated=True)


def encode(
    conversation: Conversation,
    template: ChatTemplate,
    *,
    train_on_prompt: bool = False,
    mask_history: bool = False,
) -> list[Example]:
    """The training sequences of a conversation.

    Turns that share a stable prefix form one sequence with several trained spans; where the
    template rewrites what came before (reasoning cut out of history), they become separate ones.
    """
    messages = conversation.messages
    encoder = Encoder(template.reader, template.end_of_turn)
    finished: list[Example] = []
    ids: list[int] = []
    labels: list[int] = []
    for index in _trained_turns(messages, mask_history):
        texts = template.turn(messages[:index], messages[index], conversation.tools)
        prompt, answer = encoder.turn(*texts)
        if ids and prompt[: len(ids)] != ids:
            finished.append(Example(ids, labels, conversation.origin))
            ids, labels = [], []
        asked = prompt[len(ids) :]
        ids += asked + answer
        labels += (asked if train_on_prompt else [IGNORED] * len(asked)) + answer
    return [*finished, Example(ids, labels, conversation.origin)] if ids else finished


def encode_text(document: Document, template: ChatTemplate) -> Example:
    """A document with the end of text behind it, every token trained."""
    ids = [*template.text_ids(document.text), template.end_of_turn]
    return Example(ids, list(ids), document.origin)


def _trained_turns(messages: Sequence[Message], last_only: bool) -> list[int]:
    turns = [i for i, message in enumerate(messages) if message.role == "assistant" and message.trained]
    return turns[-1:] if last_only else turns


def check(example: Example, cutoff_len: int, full_length: int, end: int | None = None) -> None:
    """Refuse an example that would teach nothing, or not where an answer ends (`end`).

    Raises DataError with file and row. An example that was cut is not asked for its end.
    """
    origin = example.origin
    if example.trained() == 0:
        raise DataError(
            "data.nothing_trained",
            file=origin.file if origin else "-",
            row=origin.row if origin else 0,
            length=full_length,
            cutoff=cutoff_len,
        )
    if end is not None and not example.truncated and example.labels[-1] != end:
        raise row_error("template.end_untrained", origin)


def conversation_examples(
    conversation: Conversation, config: DataConfig, template: ChatTemplate
) -> list[Example]:
    """The examples of a conversation, cut to `cutoff_len`. Raises DataError where they'd teach nothing."""
    with told_of_row(conversation.origin):
        whole = encode(
            conversation, template, train_on_prompt=config.train_on_prompt, mask_history=config.mask_history
        )
    if not whole:
        raise row_error("template.no_answer", conversation.origin)
    cut = [example.cut(config.cutoff_len) for example in whole]
    for full, example in zip(whole, cut, strict=True):
        check(example, config.cutoff_len, len(full), template.end_of_turn)
    return cut


def document_examples(document: Document, config: DataConfig, template: ChatTemplate) -> list[Example]:
    """The example of a document: whole where documents are packed into blocks, else cut to `cutoff_len`."""
    if not document.text.strip():
        raise row_error("template.no_text", document.origin)
    whole = encode_text(document, template)
    return [whole if config.packs("pt") else whole.cut(config.cutoff_len)]


@contextmanager
def told_of_row(origin: Origin | None) -> Iterator[None]:
    """What the template raises of a conversation becomes an error of the row that it came from."""
    try:
        yield
    except DataError as error:
        if isinstance(error, RowError) or origin is None:
            raise
        raise row_error(error.key, origin, **error.values) from error


def row_error(key: str, origin: Origin | None, **values: Any) -> RowError:
    """Something wrong with the row at `origin`."""
    place = origin or Origin("-", 0)
    return RowError(key, file=place.file, row=place.row, **values)
