"""What an API request asks of a chat, and the work on it, token by token.

Synchronous: it computes. `answer.py` runs it in threads. Plain answers are collected streams, so
that both are the same by construction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, replace

from conch.core.conversation import Message
from conch.inference.chat import Chat, Delta
from conch.inference.engine import Request, Sampling

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
    """One step of answer `index`."""

    index: int
    delta: Delta


class Work:
    """The answers of a job on their way. Each step computes one token, of one answer after another."""

    def __init__(self, job: Job) -> None:
        """Raises ServeError or DataError where a prompt can't be read."""
        self._job = job
        self._waiting = deque(enumerate(job.requests()))
        self._begun: deque[tuple[int, Generator[Delta, None, None]]] = deque()

    @property
    def left(self) -> int:
        """How many answers have not ended yet."""
        return len(self._waiting) + len(self._begun)

    def step(self, places: int) -> Part:
        """The next piece. At most `places` answers are on their way at once; the others wait."""
        while self._waiting and len(self._begun) < places:
            index, request = self._waiting.popleft()
            self._begun.append((index, self._job.chat.stream_request(request, self._job.stops)))
        index, deltas = self._begun[0]
        delta = next(deltas)
        if delta.finish is None:
            self._begun.rotate(-1)
        else:
            self._begun.popleft()
            deltas.close()
        return Part(index, delta)

    def close(self) -> None:
        """End the engine's work on every answer."""
        self._waiting.clear()
        while self._begun:
            self._begun.pop()[1].close()
