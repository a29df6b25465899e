"""Our side of llama.cpp's process: start it, ask it from many threads at once, end it.

Ending takes `PATIENCE_SECONDS` at most, whatever llama.cpp is at. Where nobody ends it, it ends
with who started it: its input is a pipe that only we hold.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

PATIENCE_SECONDS = 5.0
"""How long a process that was told to end may take before it is killed."""

Told = list[Any] | str | None
"""Tokens, as `child.py` writes them; what ended an answer; or that it ended well."""


class LlamaError(Exception):
    """llama.cpp could not do it, for the reason given."""


class LlamaEndedError(LlamaError):
    """The process is gone."""


@dataclass(frozen=True)
class LlamaSettings:
    """How llama.cpp holds a model. `context` is for each slot.

    `exact` computes on the CPU as the file says: an fp32 cache, and nothing fused that would round more.
    """

    file: Path
    context: int
    slots: int = 1
    threads: int | None = None
    batch: int = 512
    adapters: tuple[Path, ...] = ()
    exact: bool = False
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    """What llama.cpp's own HTTP API asks for."""

    def line(self) -> str:
        told = asdict(self)
        return json.dumps({**told, "file": str(self.file), "adapters": [str(path) for path in self.adapters]})


class LlamaProcess:
    """One process with one model. Safe to call from several threads."""

    def __init__(self, settings: LlamaSettings) -> None:
        """Raises LlamaError where llama.cpp can't read the file."""
        self._child = _started()
        self._turn = threading.Lock()
        self._mail = _Mail()
        self._numbers = count()
        self._reader = threading.Thread(
            target=_deliver, args=(_pipe(self._child.stdout), self._mail), daemon=True
        )
        self._kill = weakref.finalize(self, _kill, self._child, self._mail)  # where nobody closes it
        self.key = settings.key
        try:
            self._send(settings.line())
            self.address = self._hear_address()
        except BaseException:
            self.close()
            raise
        self._reader.start()

    @property
    def ended(self) -> bool:
        """Whether the process is gone, closed or crashed."""
        return self._mail.over

    def ask(self, question: dict[str, Any]) -> Iterator[Any]:
        """`[id, logprob, alternatives]` of each token of the answer. Closing the iterator ends the work.

        Where the question wants `return_progress`, None comes for each part of the prompt that was read: a
        moment to leave.
        Raises LlamaError with what llama.cpp says, LlamaEndedError where it is gone.
        """
        number = next(self._numbers)
        heard = self._mail.open(number)
        told: Told = []
        try:
            self._say({"number": number, "question": question})
            while isinstance(told := heard.get(), list):
                yield from told or (None,)
        finally:
            if isinstance(told, list):  # the asker has left
                with suppress(LlamaEndedError):
                    self._say({"number": number, "stop": True})
                while isinstance(told := heard.get(), list):
                    pass
            self._mail.close(number)
            with suppress(LlamaEndedError):
                self._say({"number": number})
        if isinstance(told, str):
            raise LlamaEndedError(told) if self.ended else LlamaError(told)

    def close(self) -> None:
        """End it, and all answers on hand with it."""
        if self._turn.acquire(timeout=PATIENCE_SECONDS):  # not while somebody writes to a process that hangs
            with suppress(OSError):
                _pipe(self._child.stdin).close()
            self._turn.release()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(PATIENCE_SECONDS)
        self._kill()

    def _hear_address(self) -> str:
        told = json.loads(_pipe(self._child.stdout).readline() or "{}")
        if "address" not in told:
            raise LlamaError(told.get("failed") or f"exit status {self._child.wait(PATIENCE_SECONDS)}")
        return str(told["address"])

    def _say(self, told: dict[str, Any]) -> None:
        self._send(json.dumps(told, separators=(",", ":")))

    def _send(self, line: str) -> None:
        pipe = _pipe(self._child.stdin)
        try:
            with self._turn:
                pipe.write(line + "\n")
                pipe.flush()
        except (OSError, ValueError) as error:  # gone, or closed by us
            raise LlamaEndedError("llama.cpp has ended") from error


class _Mail:
    """What the process says, sorted by question."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._boxes: dict[int, SimpleQueue[Told]] = {}
        self.over = False

    def open(self, number: int) -> SimpleQueue[Told]:
        box: SimpleQueue[Told] = SimpleQueue()
        with self._turn:
            self._boxes[number] = box
            if self.over:
                box.put("llama.cpp has ended")
        return box

    def close(self, number: int) -> None:
        with self._turn:
            del self._boxes[number]

    def put(self, number: int, told: Told) -> None:
        with self._turn:
            if number in self._boxes:
                self._boxes[number].put(told)

    def end(self) -> None:
        """Nothing more will come: everybody who waits is told so."""
        with self._turn:
            self.over = True
            for box in self._boxes.values():
                box.put("llama.cpp has ended")


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "conch.inference.llama.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def _deliver(pipe: IO[str], mail: _Mail) -> None:
    """Holds no process, so that one that nobody closes is seen to be left."""
    with suppress(ValueError):  # a line cut off, or the pipe closed by us
        for line in pipe:
            told = json.loads(line)
            mail.put(told["number"], told["tokens"] if "tokens" in told else told["end"])
    mail.end()


def _kill(child: subprocess.Popen[str], mail: _Mail) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE_SECONDS)
    mail.end()  # threads that deliver don't run any more where Python ends


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
