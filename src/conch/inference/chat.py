"""Messages in, text out, around any engine. Prompts and stop rules are those of training."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.template import ChatTemplate
from conch.data.thoughts import continued, opens_thought, switches_of
from conch.inference.calls import CallWriting, writing_of
from conch.inference.detokenize import Detokenizer
from conch.inference.engine import Engine, FinishReason, Piece, Request, Sampling
from conch.inference.marks import Mark, Marks
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
    marks: tuple[Mark, ...] = ()
    """The tokens of the text, where the request asks for log-probabilities."""
    waits: bool = False
    """Nothing was made yet."""


@dataclass(frozen=True)
class Turns:
    """Messages to answer, and how. `forced` is how the answer begins, whatever the model would say."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    thinking: bool | None = None
    forced: str = ""
    goes_on: bool = False
    """The last message is the beginning of the answer."""
    closes_thought: bool = False
    """A thought that the prompt opens is closed: the answer has a form that thoughts would break."""


@dataclass(frozen=True)
class Chat:
    """A model that can be talked to, with `adapter` on it where it is one of the engine's adapters."""

    engine: Engine
    template: ChatTemplate
    stop_ids: frozenset[int]
    adapter: str | None = None

    def prompt(self, turns: Turns) -> str:
        """What the model is shown. Raises DataError where the template refuses the messages or tools."""
        template = self._template(turns.thinking)
        history = turns.messages[:-1] if turns.goes_on else turns.messages
        prompt = template.render(history, tools=turns.tools)
        begun = (turns.messages[-1].content if turns.goes_on else "") + turns.forced
        if begun or turns.closes_thought:
            return prompt + continued(prompt, begun)
        return prompt

    def _template(self, thinking: bool | None) -> ChatTemplate:
        return self.template if thinking is None else replace(self.template, thinking=thinking)

    @cached_property
    def call_writing(self) -> CallWriting | None:
        """How the model writes calls of functions; None where its template has no form for them."""
        return writing_of(self.template)

    @cached_property
    def may_think(self) -> bool:
        """Whether the template has a place for thoughts."""
        thinking = self._template(True)
        return bool(switches_of(self.template.source)) or opens_thought(
            thinking.render([Message("user", "?")])
        )

    def request(self, messages: Sequence[Message], sampling: Sampling) -> Request:
        """The engine's request for an answer to `messages`. Raises ServeError where it is too long."""
        return self.bounded(self.template.prompt_ids(messages), sampling)

    def completion_request(self, prompt: str, sampling: Sampling) -> Request:
        """The engine's request to go on from raw text."""
        return self.bounded(self.template.text_ids(prompt), sampling)

    def token_request(self, prompt: Sequence[int], sampling: Sampling) -> Request:
        """The engine's request to go on from tokens. Raises ServeError for one that there is not."""
        size = self.vocabulary
        strange = next((token for token in prompt if not 0 <= token < size), None)
        if strange is not None:
            raise ServeError("serving.no_token", token=strange, size=size)
        return self.bounded(list(prompt), sampling)

    @property
    def vocabulary(self) -> int:
        return self.template.reader.size

    def bounded(self, prompt: list[int], sampling: Sampling) -> Request:
        """The request for a prompt of tokens, its answer within what the model takes."""
        room = self.engine.context_length - len(prompt)
        if room < 1 or not prompt:
            key = "serving.prompt_too_long" if prompt else "serving.empty_prompt"
            raise ServeError(key, tokens=len(prompt), limit=self.engine.context_length)
        return Request(tuple(prompt), self.stop_ids, _at_most(sampling, room), self.adapter)

    def stream(
        self, messages: Sequence[Message], sampling: Sampling | None = None, stops: Sequence[str] = ()
    ) -> Iterator[Delta]:
        """The answer to `messages`, as it is made, up to the first of `stops` or its own end."""
        deltas = self.stream_request(self.request(messages, sampling or Sampling()), stops)
        try:
            yield from (delta for delta in deltas if delta.text or delta.finish)
        finally:
            deltas.close()

    def stream_request(
        self, request: Request, stops: Sequence[str] = (), *, show_special: bool = False
    ) -> Generator[Delta, None, None]:
        """The answer token by token. A delta has no text where the token completes none.

        So whoever reads can end the work, by closing the generator, between any two tokens.
        """
        detokenizer = Detokenizer(self.template.reader, show_special=show_special)
        stop = StopText(stops)
        pieces = self.engine.stream(request)
        marks = Marks()
        count = 0
        try:
            for piece in pieces:
                if piece.empty:
                    yield Delta("", waits=True)
                    continue
                count += piece.token is not None
                text = _text(piece, detokenizer)
                shown = stop.push(text)
                finish = "stop" if stop.found else piece.finish
                if finish is None:
                    yield Delta(shown, marks=marks.push(piece, text, shown))
                    continue
                shown += stop.rest()
                given = marks.push(piece, text, shown)
                rest = () if stop.found else marks.rest()
                yield Delta(shown, finish, len(request.prompt), count, given + rest)
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
    return replace(sampling, max_new_tokens=room)


def _text(piece: Piece, detokenizer: Detokenizer) -> str:
    new = "" if piece.token is None else detokenizer.push(piece.token)
    return new + detokenizer.flush() if piece.finish is not None else new


def _close(pieces: Iterator[Piece]) -> None:
    """End the engine's work at once, not when the garbage collector comes."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
