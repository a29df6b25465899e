"""What an API request asks of a chat, and the pieces of the answers, as they are made.

Synchronous: a generator that computes. `service.py` runs it in a thread. Plain answers are
collected streams, so that both are the same by construction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from conch.core.conversation import Message
from conch.inference.chat import Chat
from conch.inference.detokenize import Detokenizer
from conch.inference.engine import FinishReason, Piece, Request, Sampling
from conch.server.stops import StopText

Prompt = str | tuple[Message, ...]
"""Raw text to go on from, or messages to answer."""


@dataclass(frozen=True)
class Job:
    """`count` answers to each of `prompts`."""

    chat: Chat
    prompts: tuple[Prompt, ...]
    sampling: Sampling
    stops: tuple[str, ...] = ()
    count: int = 1

    def requests(self) -> list[Request]:
        """All answers to the first prompt, then all to the second, and so on.

        The answers to one prompt are drawn with seeds that follow one another.
        """
        first = [self._request(prompt) for prompt in self.prompts]
        return [_with_seed(request, number) for request in first for number in range(self.count)]

    def _request(self, prompt: Prompt) -> Request:
        if isinstance(prompt, str):
            return self.chat.completion_request(prompt, self.sampling)
        return self.chat.request(prompt, self.sampling)


def _with_seed(request: Request, number: int) -> Request:
    seed = request.sampling.seed
    return (
        request if seed is None else replace(request, sampling=replace(request.sampling, seed=seed + number))
    )


@dataclass(frozen=True)
class Part:
    """A piece of answer `index`; the last one of an answer carries the reason and the counts.

    One is given for each token, with no text where none is complete, so that whoever reads can
    stop the work between any two tokens.
    """

    index: int
    text: str
    finish: FinishReason | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0


def parts(job: Job, check: Callable[[], None]) -> Generator[Part, None, None]:
    """All answers of `job`, piece by piece, in turns. Closing it ends the work.

    Raises ServeError before the first piece where a prompt doesn't fit, and what `check` raises,
    which is called after every piece.
    """
    waiting = deque(_answer(index, job, request) for index, request in enumerate(job.requests()))
    try:
        while waiting:
            part = next(waiting[0], None)
            if part is None:
                waiting.popleft()
                continue
            yield part
            waiting.rotate(-1)
            check()
    finally:
        for answer in waiting:
            answer.close()


def _answer(index: int, job: Job, request: Request) -> Generator[Part, None, None]:
    """One answer, up to a stop token, a stop string or its bound."""
    pieces = job.chat.engine.stream(request)
    text = Detokenizer(job.chat.template.tokenizer)
    stop = StopText(job.stops)
    count = 0
    try:
        for piece in pieces:
            count += piece.token is not None
            shown = stop.push(_text(piece, text))
            finish = "stop" if stop.found else piece.finish
            if finish is None:
                yield Part(index, shown)
                continue
            yield Part(index, shown + stop.rest(), finish, len(request.prompt), count)
            return
    finally:
        _close(pieces)


def _text(piece: Piece, text: Detokenizer) -> str:
    new = "" if piece.token is None else text.push(piece.token)
    return new + text.flush() if piece.finish is not None else new


def _close(pieces: Iterator[Piece]) -> None:
    """End the engine's work at once, not when the garbage collector comes."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
