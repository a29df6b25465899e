"""Conversations → token ids and labels. Pure counting: nothing here knows a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conch.core.conversation import Conversation, Message, Origin
from conch.core.errors import DataError
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
        return sum(label != IGNORED for label in self.labels[1:])

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
    answers = _trained_turns(messages, mask_history)
    finished: list[Example] = []
    ids: list[int] = []
    labels: list[int] = []
    for index in answers:
        history = messages[:index]
        prompt = template.prompt_ids(history, conversation.tools)
        if ids and prompt[: len(ids)] != ids:
            finished.append(Example(ids, labels, conversation.origin))
            ids, labels = [], []
        asked = prompt[len(ids) :]
        answer = template.answer_ids(history, messages[index], conversation.tools)
        ids = [*ids, *asked, *answer]
        labels = [*labels, *(asked if train_on_prompt else [IGNORED] * len(asked)), *answer]
    return [*finished, Example(ids, labels, conversation.origin)] if ids else finished


def _trained_turns(messages: Sequence[Message], last_only: bool) -> list[int]:
    turns = [i for i, message in enumerate(messages) if message.role == "assistant" and message.trained]
    return turns[-1:] if last_only else turns


def check(example: Example, cutoff_len: int, full_length: int) -> None:
    """Refuse an example in which no token would be trained. Raises DataError with file and row."""
    if example.trained() == 0:
        origin = example.origin
        raise DataError(
            "data.nothing_trained",
            file=origin.file if origin else "-",
            row=origin.row if origin else 0,
            length=full_length,
            cutoff=cutoff_len,
        )
