"""Rows to answer, and a model's answers to them, batch by batch.

Prompts and stop rules are those of chat, so that what is scored is what a user would read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conch.core.conversation import Conversation, Message
from conch.core.errors import ServeError
from conch.inference.chat import Chat
from conch.inference.engine import Completion, Request, Sampling, completions

BATCH = 16
"""Answers that are kept at a time."""
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


@dataclass(frozen=True)
class Manner:
    """How answers are made and written down beside their sampling."""

    most: int | None = None
    """Tokens of prompt and answer together."""
    skip_special_tokens: bool = True


USUAL = Manner()


def answer_in_batches(
    chat: Chat, asked: Mapping[int, Question], sampling: Sampling, manner: Manner = USUAL
) -> Iterator[dict[int, Answer]]:
    """Answers by row, some at a time, as they are made. Rows of like length are together, the longest first.

    So what needs too much memory comes first, and not last.
    """
    requests = {index: _request(chat, index, question, sampling) for index, question in asked.items()}
    if manner.most is not None:
        requests = {
            index: (text, _within(manner.most, request)) for index, (text, request) in requests.items()
        }
    made = {
        index: Answer(prompt, "", asked[index].wanted, TOO_LONG, 0)
        for index, (prompt, request) in requests.items()
        if not request.prompt
    }
    order = sorted(requests.keys() - made.keys(), key=lambda index: (-len(requests[index][1].prompt), index))
    for place, completion in completions(chat.engine, [requests[index][1] for index in order], BATCH):
        index = order[place]
        text = _text(chat, completion, manner)
        wanted = asked[index].wanted
        made[index] = Answer(requests[index][0], text, wanted, completion.finish, len(completion.tokens))
        if len(made) >= BATCH:
            yield made
            made = {}
    if made:
        yield made


def _text(chat: Chat, completion: Completion, manner: Manner) -> str:
    skip = manner.skip_special_tokens
    return str(chat.template.tokenizer.decode(list(completion.tokens), skip_special_tokens=skip)).strip()


def _within(most: int, request: Request) -> Request:
    """The request with the answer bounded by `most`; without a prompt where that leaves no room for one."""
    room = most - len(request.prompt)
    if room < 1:
        return Request(())
    bound = min(room, request.sampling.max_new_tokens)
    return replace(request, sampling=replace(request.sampling, max_new_tokens=bound))


def _request(chat: Chat, index: int, question: Question, sampling: Sampling) -> tuple[str, Request]:
    """The prompt's text, and the request; without a prompt where there is no room for an answer."""
    text = chat.template.render(question.messages, tools=question.tools)
    if sampling.seed is not None:  # each row has its own, so that going on makes no difference
        sampling = replace(sampling, seed=sampling.seed + index)
    try:
        return text, chat.bounded(chat.template.encode(text), sampling)
    except ServeError:
        return text, Request(())
