"""What an API request asks of a chat, and the work on it, token by token.

Synchronous: it computes. `answer.py` runs it in threads. Plain answers are collected streams, so
that both are the same by construction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import accumulate

from conch.data.thoughts import opens_thought
from conch.inference.calls import CallWriting
from conch.inference.chat import Chat, Delta, Turns
from conch.inference.detokenize import pieces_of
from conch.inference.engine import Request, Sampling
from conch.inference.marks import Mark
from conch.inference.reading import AnswerReader, CallReader, Fragment, ThoughtReader

Prompt = str | tuple[int, ...] | Turns
"""Raw text or tokens to go on from, or messages to answer."""


@dataclass(frozen=True)
class Reading:
    """How an answer to messages is read: thoughts apart from what is said, and calls of `names`."""

    writing: CallWriting | None = None
    names: frozenset[str] = frozenset()
    begun: bool = False
    """The prompt ends with the opening of a call."""
    single: bool = False

    def reader(self, prompt: str) -> AnswerReader:
        calls = None
        if self.writing is not None and self.names:
            calls = CallReader(self.writing, self.names, begun=self.begun, single=self.single)
        return AnswerReader(ThoughtReader(opens_thought(prompt)), calls)

    @property
    def shows_special(self) -> bool:
        """Whether calls begin with a token that texts leave out."""
        return bool(self.writing is not None and self.names and self.writing.special)


@dataclass(frozen=True)
class Job:
    """`count` answers to each of `prompts`. With `echo` the prompt is given before the answer."""

    chat: Chat
    prompts: tuple[Prompt, ...]
    sampling: Sampling
    stops: tuple[str, ...] = ()
    count: int = 1
    reading: Reading = Reading()
    grammar: str | None = None
    top: int | None = None
    """How many alternatives to give with each token's log-probability; None gives neither."""
    echo: bool = False

    def tasks(self) -> list[Task]:
        """All answers to the first prompt, then all to the second, and so on.

        The answers to one prompt are drawn with seeds that follow one another.
        """
        first = [self._task(prompt) for prompt in self.prompts]
        return [_with_seed(task, number) for task in first for number in range(self.count)]

    def _task(self, prompt: Prompt) -> Task:
        template = self.chat.template
        if isinstance(prompt, Turns):
            text = self.chat.prompt(prompt)
            request = self.chat.token_request(template.encode(text), self.sampling)
        elif isinstance(prompt, str):
            text, request = prompt, self.chat.completion_request(prompt, self.sampling)
        else:
            text = str(template.tokenizer.decode(list(prompt), skip_special_tokens=False))
            request = self.chat.token_request(prompt, self.sampling)
        return Task(replace(request, grammar=self.grammar, top=self.top), text, prompt)


@dataclass(frozen=True)
class Task:
    """One answer to make. `text` is the prompt as it reads."""

    request: Request
    text: str
    prompt: Prompt


def _with_seed(task: Task, number: int) -> Task:
    sampling = task.request.sampling
    if sampling.seed is None:
        return task
    return replace(
        task, request=replace(task.request, sampling=replace(sampling, seed=sampling.seed + number))
    )


@dataclass(frozen=True)
class Part:
    """One step of answer `index`, and what its text means. `calls` counts the calls made so far."""

    index: int
    delta: Delta
    fragments: tuple[Fragment, ...] = ()
    calls: int = 0


class Work:
    """The answers of a job on their way. Each step computes one token, of one answer after another."""

    def __init__(self, job: Job) -> None:
        """Raises ServeError or DataError where a prompt can't be read."""
        self._job = job
        self._waiting = deque(enumerate(job.tasks()))
        self._begun: deque[_Answer] = deque()

    @property
    def left(self) -> int:
        """How many answers have not ended yet."""
        return len(self._waiting) + len(self._begun)

    def step(self, places: int) -> Part:
        """The next piece. At most `places` answers are on their way at once; the others wait."""
        while self._waiting and len(self._begun) < places:
            index, task = self._waiting.popleft()
            self._begun.append(_Answer(self._job, index, task))
        answer = self._begun[0]
        part = answer.step()
        if part.delta.finish is None:
            self._begun.rotate(-1)
        else:
            self._begun.popleft()
            answer.close()
        return part

    def close(self) -> None:
        """End the engine's work on every answer."""
        self._waiting.clear()
        while self._begun:
            self._begun.pop().close()


class _Answer:
    """One answer on its way."""

    def __init__(self, job: Job, index: int, task: Task) -> None:
        self._index = index
        self._deltas = _deltas(job, task)
        read = isinstance(task.prompt, Turns)
        self._reader = job.reading.reader(task.text) if read else None

    def step(self) -> Part:
        delta = next(self._deltas)
        if self._reader is None:
            said = (Fragment("said", delta.text),) if delta.text else ()
            return Part(self._index, delta, said)
        fragments = self._reader.push(delta.text, last=delta.finish is not None)
        return Part(self._index, delta, tuple(fragments), self._reader.calls)

    def close(self) -> None:
        self._deltas.close()


def _deltas(job: Job, task: Task) -> Generator[Delta, None, None]:
    request = task.request
    if job.echo:
        marks = tuple(_prompt_marks(job, request)) if job.top is not None else ()
        yield Delta(task.text, marks=marks)
    if request.sampling.max_new_tokens == 0:
        yield Delta("", "length", len(request.prompt), 0)
        return
    special = job.reading.shows_special and isinstance(task.prompt, Turns)
    before = len(task.text) if job.echo else 0
    with closing(job.chat.stream_request(request, job.stops, show_special=special)) as deltas:
        for delta in deltas:
            marks = tuple(replace(mark, start=mark.start + before) for mark in delta.marks)
            yield replace(delta, marks=marks) if before and marks else delta


def _prompt_marks(job: Job, request: Request) -> Iterator[Mark]:
    """The prompt's tokens. Nothing foretells the first."""
    engine, prompt = job.chat.engine, request.prompt
    lengths = map(len, pieces_of(job.chat.template.reader, prompt))
    starts = accumulate(lengths, initial=0)
    yield Mark(prompt[0], next(starts), None)
    for scored in engine.weigh(prompt, job.top or 0, job.chat.adapter) if len(prompt) > 1 else ():
        yield Mark(scored.token, next(starts), scored.logprob, scored.top)
