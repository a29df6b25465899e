"""Messages in, text out, around any engine. Prompts and stop rules are those of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.template import ChatTemplate
from conch.inference.detokenize import Detokenizer
from conch.inference.engine import Engine, FinishReason, Request, Sampling


@dataclass(frozen=True)
class Reply:
    """A whole answer with what it cost."""

    text: str
    finish: FinishReason
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Delta:
    """A piece of an answer; the last one carries the finish reason and the counts."""

    text: str
    finish: FinishReason | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Chat:
    """A model that can be talked to."""

    engine: Engine
    template: ChatTemplate
    stop_ids: frozenset[int]

    def request(self, messages: Sequence[Message], sampling: Sampling) -> Request:
        """The engine's request for an answer to `messages`. Raises ServeError where it is too long."""
        return self._bounded(self.template.prompt_ids(messages), sampling)

    def completion_request(self, prompt: str, sampling: Sampling) -> Request:
        """The engine's request to go on from raw text."""
        return self._bounded(self.template.encode(prompt), sampling)

    def _bounded(self, prompt: list[int], sampling: Sampling) -> Request:
        room = self.engine.context_length - len(prompt)
        if room < 1 or not prompt:
            key = "serving.prompt_too_long" if prompt else "serving.empty_prompt"
            raise ServeError(key, tokens=len(prompt), limit=self.engine.context_length)
        return Request(tuple(prompt), self.stop_ids, _at_most(sampling, room))

    def stream(self, messages: Sequence[Message], sampling: Sampling | None = None) -> Iterator[Delta]:
        """The answer to `messages`, as it is made."""
        yield from self.stream_request(self.request(messages, sampling or Sampling()))

    def stream_request(self, request: Request) -> Iterator[Delta]:
        detokenizer = Detokenizer(self.template.tokenizer)
        count = 0
        for piece in self.engine.stream(request):
            if piece.token is not None:
                count += 1
                text = detokenizer.push(piece.token)
                if text:
                    yield Delta(text)
            if piece.finish is not None:
                yield Delta(detokenizer.flush(), piece.finish, len(request.prompt), count)

    def answer(self, messages: Sequence[Message], sampling: Sampling | None = None) -> Reply:
        return self.answers([messages], sampling)[0]

    def answers(
        self, conversations: Sequence[Sequence[Message]], sampling: Sampling | None = None
    ) -> list[Reply]:
        """Answers to many conversations, computed together where the engine can."""
        return self.replies([self.request(messages, sampling or Sampling()) for messages in conversations])

    def replies(self, requests: Sequence[Request]) -> list[Reply]:
        done = self.engine.complete(requests)
        return [
            Reply(
                str(self.template.tokenizer.decode(list(completion.tokens), skip_special_tokens=True)),
                completion.finish,
                len(request.prompt),
                len(completion.tokens),
            )
            for request, completion in zip(requests, done, strict=True)
        ]


def _at_most(sampling: Sampling, room: int) -> Sampling:
    if sampling.max_new_tokens <= room:
        return sampling
    return Sampling(**{**vars(sampling), "max_new_tokens": room})
