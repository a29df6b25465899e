"""Answers of `/v1/completions`: text as it is, in OpenAI's form."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from conch.data.tokenizer import Tokenizer
from conch.inference.marks import Mark, token_text
from conch.server.answering import Whole
from conch.server.documents import Completion, CompletionChoice, TextLogprobs, Usage
from conch.server.ids import new_id
from conch.server.job import Part
from conch.server.schema import CompletionRequest, OpenAIBody
from conch.server.service import Served


def head_of(kind: str, served: Served) -> dict[str, Any]:
    """What all documents of one answer begin with."""
    return {"id": f"{kind}-{new_id()}", "created": int(time.time()), "model": served.name}


def without_usage(asked: OpenAIBody) -> dict[str, None]:
    """Where usage was asked for, every chunk has the field, and all but the last leave it empty."""
    return {"usage": None} if asked.wants_usage() else {}


class TextForm:
    """Turns pieces of text into what a client of completions reads."""

    def __init__(self, asked: CompletionRequest, served: Served) -> None:
        self._asked = asked
        self._tokenizer = served.chat.template.tokenizer
        self._head = head_of("cmpl", served)
        self._begun: set[int] = set()

    def document(self, wholes: Sequence[Whole], usage: Usage) -> Completion:
        choices = [
            CompletionChoice(
                index=index,
                text=whole.said,
                logprobs=self._logprobs(whole.marks),
                finish_reason=whole.finish,
            )
            for index, whole in enumerate(wholes)
        ]
        return Completion(choices=choices, usage=usage, **self._head)

    def chunk(self, part: Part) -> dict[str, Any] | None:
        delta, new = part.delta, part.index not in self._begun
        if not (delta.text or delta.finish or delta.marks or new):
            return None
        self._begun.add(part.index)
        logprobs = self._logprobs(delta.marks)
        choice = {
            "index": part.index,
            "text": delta.text,
            "logprobs": logprobs.model_dump() if logprobs else None,
            "finish_reason": delta.finish,
        }
        return {
            **self._head,
            "object": "text_completion",
            "choices": [choice],
            **without_usage(self._asked),
        }

    def usage_chunk(self, usage: Usage) -> dict[str, Any] | None:
        if not self._asked.wants_usage():
            return None
        return {**self._head, "object": "text_completion", "choices": [], "usage": usage.model_dump()}

    def _logprobs(self, marks: Sequence[Mark]) -> TextLogprobs | None:
        if self._asked.logprobs is None:
            return None
        return TextLogprobs(
            tokens=[token_text(self._tokenizer, mark.token) for mark in marks],
            token_logprobs=[mark.logprob for mark in marks],
            top_logprobs=[_by_text(self._tokenizer, mark) for mark in marks],
            text_offset=[mark.start for mark in marks],
        )


def _by_text(tokenizer: Tokenizer, mark: Mark) -> dict[str, float] | None:
    """Alternatives by their text. Of tokens that read the same, the likeliest counts."""
    if mark.logprob is None:
        return None
    named: dict[str, float] = {}
    for token, logprob in mark.top:
        named.setdefault(token_text(tokenizer, token), logprob)
    return named
