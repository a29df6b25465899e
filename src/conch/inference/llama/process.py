"""Our side of llama.cpp's process: start it, ask it from many threads at once, end it.

What was told to end is killed after `PATIENCE_SECONDS`, whatever llama.cpp is at. Where nobody ends it, it
ends with who started it: its input is a pipe that only we hold.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import weakref
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from conch.inference.llama.talk import Address, LlamaError, LostError

PATIENCE_SECONDS = 5.0
"""How long a process that was told to end may take before it is killed."""
GONE = "llama.cpp has ended"


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
        self._kill = weakref.finalize(self, _kill, self._child)  # where nobody closes it
        try:
            self.at = Address(self._begin(settings), settings.key)
        except BaseException:
            self.close()
            raise

    @property
    def ended(self) -> bool:
        """Whether the process is gone, closed or crashed."""
        return self._child.poll() is not None

    def ask(self, question: dict[str, Any]) -> Generator[Any, None, None]:
        """`[id, logprob, alternatives]` of each token of the answer. Closing the iterator ends the work.

        Where the question wants `return_progress`, None comes for each part of the prompt that was read: a
        moment to leave.
        Raises LlamaError with what llama.cpp says, LlamaEndedError where it is gone.
        """
        asked = {**question, "stream": True, "return_tokens": True}
        with self._watched(), closing(self.at.ask(asked)) as pieces:
            for told in pieces:
                yield from _tokens(told)

    def call(self, path: str, asked: dict[str, Any], seconds: float) -> Any:
        """What llama.cpp's HTTP API answers at `path`. Raises LlamaError, LlamaEndedError."""
        with self._watched():
            return self.at.call(path, asked, seconds)

    def close(self) -> None:
        """End it, and all answers on hand with it."""
        with suppress(OSError):
            _pipe(self._child.stdin).close()
        self._await_end()
        self._kill()

    def _begin(self, settings: LlamaSettings) -> str:
        """Its address, once it has loaded the model."""
        pipe = _pipe(self._child.stdin)
        try:
            pipe.write(settings.line() + "\n")
            pipe.flush()
            told = json.loads(_pipe(self._child.stdout).readline() or "{}")
        except (OSError, ValueError) as error:
            raise LlamaEndedError(GONE) from error
        if "address" not in told:
            self._await_end()
            raise LlamaError(told.get("failed") or f"exit status {self._child.returncode}")
        return str(told["address"])

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Tells a connection that ended with the process from one that ended by itself."""
        try:
            yield
        except LostError as error:
            self._await_end()  # a process that ends closes its connections first
            raise (LlamaEndedError(GONE) if self.ended else LlamaError(str(error))) from error

    def _await_end(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(PATIENCE_SECONDS)


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "conch.inference.llama.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def _tokens(told: dict[str, Any]) -> Iterator[Any]:
    """The tokens in a piece of llama.cpp's answer with what is known of them: [id, logprob, alternatives].

    None where it only says that a part of the prompt was read.
    """
    if "prompt_progress" in told:  # with a token that is none
        yield None
    elif known := told.get("completion_probabilities"):
        for entry in known:
            top = [[other["id"], other["logprob"]] for other in entry["top_logprobs"]]
            yield [entry["id"], entry["logprob"], top]
    else:
        for token in told["tokens"]:
            yield [token, None, ()]


def _kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE_SECONDS)
    for pipe in (child.stdin, child.stdout):
        with suppress(OSError):
            _pipe(pipe).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
