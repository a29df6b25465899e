"""Messages in, text out, around any engine. Prompts and stop rules are those of training."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.template import ChatTemplate
from conch.inference.detokenize import Detokenizer
from conch.inference.engine import Engine, FinishReason, Piece, Request, Sampling
from conch.inference.stops import StopText


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
        return self.bounded(self.template.prompt_ids(messages), sampling)

    def completion_request(self, prompt: str, sampling: Sampling) -> Request:
        """The engine's request to go on from raw text."""
        return self.bounded(self.template.text_ids(prompt), sampling)

    def bounded(self, prompt: list[int], sampling: Sampling) -> Request:
        """The request for a prompt of tokens, its answer within what the model takes."""
        room = self.engine.context_length - len(prompt)
        if room < 1 or not prompt:
            key = "serving.prompt_too_long" if prompt else "serving.empty_prompt"
            raise ServeError(key, tokens=len(prompt), limit=self.engine.context_length)
        return Request(tuple(prompt), self.stop_ids, _at_most(sampling, room))

    def stream(
        self, messages: Sequence[Message], sampling: Sampling | None = None, stops: Sequence[str] = ()
    ) -> Iterator[Delta]:
        """The answer to `messages`, as it is made, up to the first of `stops` or its own end."""
        deltas = self.stream_request(self.request(messages, sampling or Sampling()), stops)
        try:
            yield from (delta for delta in deltas if delta.text or delta.finish)
        finally:
            deltas.close()

    def stream_request(self, request: Request, stops: Sequence[str] = ()) -> Generator[Delta, None, None]:
        """The answer token by token. A delta has no text where the token completes none.

        So whoever reads can end the work, by closing the generator, between any two tokens.
        """
        detokenizer = Detokenizer(self.template.tokenizer)
        stop = StopText(stops)
        pieces = self.engine.stream(request)
        count = 0
        try:
            for piece in pieces:
                count += piece.token is not None
                shown = stop.push(_text(piece, detokenizer))
                finish = "stop" if stop.found else piece.finish
                if finish is None:
                    yield Delta(shown)
                    continue
                yield Delta(shown + stop.rest(), finish, len(request.prompt), count)
                return
        finally:
            _close(pieces)

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


def _text(piece: Piece, detokenizer: Detokenizer) -> str:
    new = "" if piece.token is None else detokenizer.push(piece.token)
    return new + detokenizer.flush() if piece.finish is not None else new


def _close(pieces: Iterator[Piece]) -> None:
    """End the engine's work at once, not when the garbage collector comes."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
