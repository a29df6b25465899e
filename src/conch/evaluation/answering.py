"""Rows to answer, and a model's answers to them, batch by batch.

Prompts and stop rules are those of chat, so that what is scored is what a user would read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conch.core.conversation import Conversation, Message
from conch.core.errors import ServeError
from conch.inference.chat import Chat
from conch.inference.engine import Request, Sampling

BATCH = 16
TOO_LONG = "too_long"


@dataclass(frozen=True)
class Question:
    """A row's last turn: what is asked, and what should be answered (empty where nothing is known)."""

    messages: tuple[Message, ...]
    tools: tuple[Any, ...] = ()
    wanted: str = ""

    @property
    def asked(self) -> str:
        """The last message, as a person would tell what was asked."""
        return self.messages[-1].content


@dataclass(frozen=True)
class Answer:
    """`finish` is `stop`, `length`, or `too_long` where the prompt left no room for an answer."""

    prompt: str
    predict: str
    label: str
    finish: str
    tokens: int


def questions_of(rows: Iterable[Conversation]) -> list[Question]:
    """The last turns of the rows that have an answer."""
    return [question for row in rows for question in _question(row)]


def _question(row: Conversation) -> Iterator[Question]:
    last = next((i for i in reversed(range(len(row.messages))) if row.messages[i].role == "assistant"), None)
    if last:
        yield Question(tuple(row.messages[:last]), tuple(row.tools), row.messages[last].content)


def answer_in_batches(
    chat: Chat, asked: Mapping[int, Question], sampling: Sampling
) -> Iterator[dict[int, Answer]]:
    """Answers by row, batch by batch: rows of like length together, the longest first.

    So a batch that needs too much memory is the first one, and not the last.
    """
    requests = {index: _request(chat, index, question, sampling) for index, question in asked.items()}
    order = sorted(requests, key=lambda index: -len(requests[index][1].prompt))
    for start in range(0, len(order), BATCH):
        chosen = order[start : start + BATCH]
        yield _batch(chat, [(index, *requests[index], asked[index].wanted) for index in chosen])


def _batch(chat: Chat, rows: Sequence[tuple[int, str, Request, str]]) -> dict[int, Answer]:
    fitting = [row for row in rows if row[2].prompt]
    done = iter(chat.engine.complete([request for _, _, request, _ in fitting]) if fitting else [])
    made: dict[int, Answer] = {}
    for index, prompt, request, wanted in rows:
        if not request.prompt:
            made[index] = Answer(prompt, "", wanted, TOO_LONG, 0)
            continue
        completion = next(done)
        text = str(chat.template.tokenizer.decode(list(completion.tokens), skip_special_tokens=True))
        made[index] = Answer(prompt, text.strip(), wanted, completion.finish, len(completion.tokens))
    return made


def _request(chat: Chat, index: int, question: Question, sampling: Sampling) -> tuple[str, Request]:
    """The prompt's text, and the request; without a prompt where there is no room for an answer."""
    text = chat.template.render(question.messages, tools=question.tools)
    if sampling.seed is not None:  # each row has its own, so that going on makes no difference
        sampling = replace(sampling, seed=sampling.seed + index)
    try:
        return text, chat.bounded(chat.template.encode(text), sampling)
    except ServeError:
        return text, Request(())
