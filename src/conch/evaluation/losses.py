"""Loss and perplexity of a dataset's answers under a model, row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conch.core.conversation import Conversation, Message
from conch.data.example import IGNORED, encode
from conch.evaluation.answering import Question
from conch.inference.chat import Chat


@dataclass(frozen=True)
class RowLoss:
    """`loss` is the mean negative log-likelihood of the answer's `tokens`; None where none of them fits."""

    tokens: int
    loss: float | None

    @property
    def perplexity(self) -> float | None:
        return None if self.loss is None else math.exp(min(self.loss, 700.0))

    def to_dict(self) -> dict[str, Any]:
        return {"tokens": self.tokens, "loss": self.loss, "perplexity": self.perplexity}


def losses(
    chat: Chat, asked: Sequence[Question], told: Callable[[int, int], None] = lambda done, of: None
) -> list[RowLoss]:
    """The loss of each wanted answer, its end-of-turn token included, as training counts it."""
    found = []
    for row in _each(chat, asked):
        found.append(row)
        told(len(found), len(asked))
    return found


def whole(rows: Sequence[RowLoss]) -> RowLoss:
    """The loss over all tokens of all rows."""
    known = [(row.tokens, row.loss) for row in rows if row.loss is not None]
    tokens = sum(count for count, _ in known)
    return RowLoss(tokens, sum(count * loss for count, loss in known) / tokens if tokens else None)


def _each(chat: Chat, asked: Sequence[Question]) -> Iterator[RowLoss]:
    for question in asked:
        turns = (*question.messages, Message("assistant", question.wanted))
        example = encode(Conversation(turns, question.tools), chat.template, mask_history=True)[-1]
        example = example.cut(chat.engine.context_length)
        trained = [label != IGNORED for label in example.labels[1:]]
        if not any(trained):
            yield RowLoss(0, None)
            continue
        scores = chat.engine.score(example.input_ids)
        own = [score for score, counts in zip(scores, trained, strict=True) if counts]
        yield RowLoss(len(own), -sum(own) / len(own))
