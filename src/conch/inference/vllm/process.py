"""One vLLM server as a process of ours: started, watched, started anew when it dies, and ended with us."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from conch.core import env
from conch.core.errors import ServeError
from conch.core.leftovers import clear_dead, own
from conch.core.text import tr
from conch.inference.vllm import environment
from conch.inference.vllm.guard import PATIENCE_SECONDS

MODEL = "base"
"""What our vLLM calls the model; its adapters have names of their own."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` may be."""
RESTARTS = 5
"""How often in a row it is started anew."""
BACK_OFF_SECONDS = 1.0
"""The wait before the first new start; it doubles with each."""
CALM_SECONDS = 600.0
"""After so long without a crash, crashes are counted from nought."""
START_SECONDS = 3600.0
"""The longest that a start may take: large models are read for many minutes, graphs are compiled."""
LOOK_SECONDS = 0.2
TOLD_LINES = 8
"""How many of its last lines are told where it fails."""

Notify = Callable[[str], None]


@dataclass(frozen=True)
class VllmSettings:
    """What vLLM is started with. `rank` 0 takes no adapters; `extra` are words of the user's own."""

    model: Path
    tokenizer: Path
    context: int | None = None
    rank: int = 0
    adapters: int = 1
    """How many adapters may be at work in one step."""
    trust_remote_code: bool = False
    extra: tuple[str, ...] = ()

    def command(self, port: int) -> list[str]:
        words = [str(environment.program()), "serve", str(self.model)]
        words += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", MODEL]
        words += ["--tokenizer", str(self.tokenizer), "--uvicorn-log-level", "warning"]
        # sampling and stop tokens are ours; grammars are llguidance's, as with the other engines
        words += ["--generation-config", "vllm", "--structured-outputs-config", '{"backend": "guidance"}']
        if self.context is not None:
            words += ["--max-model-len", str(self.context)]
        if self.rank:
            words += ["--enable-lora", "--max-lora-rank", str(self.rank)]
            words += ["--max-loras", str(self.adapters), "--max-cpu-loras", str(max(16, self.adapters))]
        if self.trust_remote_code:
            words.append("--trust-remote-code")
        return [*words, *self.extra]


def rank_for(ranks: list[int]) -> int:
    """The least bound that holds all of `ranks`; 0 for none. Raises ServeError beyond what vLLM takes."""
    largest = max(ranks, default=0)
    if largest > RANKS[-1]:
        raise ServeError("serving.vllm_rank", rank=largest, most=RANKS[-1])
    return next(bound for bound in RANKS if bound >= largest) if largest else 0


class VllmProcess:
    """vLLM at `url`, asked with `key`. Safe to use from several threads."""

    def __init__(self, settings: VllmSettings, notify: Notify) -> None:
        """Returns when it answers. Raises ServeError with its last lines where it ends before."""
        self._settings = settings
        self._notify = notify
        self.key = secrets.token_urlsafe(24)
        self.when_restarted: Callable[[], None] = lambda: None
        self._log = _log_file()
        self._url: str | None = None
        self._gone = self._closed = False
        self._ending = threading.Event()
        self._turn = threading.Lock()
        self._child = self._start()
        threading.Thread(target=self._watch, name="vllm", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers. Raises ServeError where it does not."""
        if self._closed:
            raise ServeError("serving.closing")
        if self._url is None:
            if self._gone:
                raise ServeError("serving.vllm_gone")
            raise ServeError("serving.vllm_ended", reason=tr("serving.vllm_anew"))
        return self._url

    def close(self) -> None:
        """End it and everything that it started."""
        self._closed = True
        self._ending.set()
        with self._turn:
            self._child.end()

    def _start(self) -> _Child:
        port = _free_port()
        child = _Child(self._settings.command(port), self.key, self._log)
        try:
            self._wait(child, f"http://127.0.0.1:{port}")
        except BaseException:
            child.end()
            raise
        self._url = f"http://127.0.0.1:{port}"
        return child

    def _wait(self, child: _Child, url: str) -> None:
        """Until it is healthy. What it says meanwhile is shown as progress."""
        begun, told = time.monotonic(), ""
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not _is_healthy(client, url):
                if child.ended or time.monotonic() - begun > START_SECONDS:
                    raise ServeError("serving.vllm_failed", reason=last_lines(self._log), log=self._log)
                if self._ending.is_set():
                    raise ServeError("serving.closing")
                line = last_lines(self._log, 1)
                if line and line != told and time.monotonic() - begun > 5:
                    self._notify(tr("serving.vllm_starting", line=line))
                    told = line
                self._ending.wait(LOOK_SECONDS)

    def _watch(self) -> None:
        """Starts it anew when it ends, `RESTARTS` times in a row at most."""
        crashes = 0
        while not self._closed:
            begun = time.monotonic()
            self._child.wait()
            if self._closed:
                return
            crashes = 1 if time.monotonic() - begun > CALM_SECONDS else crashes + 1
            self._url = None
            if crashes > RESTARTS:
                self._gone = True
                self._notify(tr("serving.vllm_given_up", count=RESTARTS, log=self._log))
                return
            seconds = BACK_OFF_SECONDS * 2 ** (crashes - 1)
            said = last_lines(self._log, 3)  # for whoever runs the server: it may hold paths
            self._notify(tr("serving.vllm_restarting", reason=said, seconds=f"{seconds:g}"))
            if not self._ending.wait(seconds):
                self._again()

    def _again(self) -> None:
        with self._turn:
            if self._closed:
                return
            try:
                self._child = self._start()
            except ServeError:  # it ended again: what it said is told by the next turn
                return
            try:
                self.when_restarted()
            except ServeError as error:  # it is there, but without all that it had before
                self._notify(tr("cli.warning", message=error.message))
            self._notify(tr("serving.vllm_back"))


class _Child:
    """The group of processes of one start."""

    def __init__(self, command: list[str], key: str, log: Path) -> None:
        with log.open("ab") as out:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "conch.inference.vllm.guard", *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env.child_environment(VLLM_API_KEY=key, VLLM_ALLOW_RUNTIME_LORA_UPDATING="True"),
                start_new_session=True,
            )
        self._finish = weakref.finalize(self, _end, self._guard)  # also where nobody ends it

    @property
    def ended(self) -> bool:
        return self._guard.poll() is not None

    def wait(self) -> None:
        self._guard.wait()

    def end(self) -> None:
        self._finish()


def _end(guard: subprocess.Popen[bytes]) -> None:
    pipe = guard.stdin
    assert pipe is not None
    with suppress(OSError):
        pipe.close()
    try:
        guard.wait(PATIENCE_SECONDS + 2)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()


def _is_healthy(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(f"{url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _log_file() -> Path:
    """What vLLM prints. Those of servers that are gone are removed by the next."""
    place = env.home() / "logs"
    place.mkdir(parents=True, exist_ok=True)
    clear_dead(place, "vllm-")
    return place / f"{own('vllm-')}{secrets.token_hex(4)}"


def last_lines(log: Path, count: int = TOLD_LINES) -> str:
    """The last lines of a log that say something."""
    try:
        with log.open("rb") as file:
            text = _tail(file)
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def _tail(file: IO[bytes], most: int = 16384) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most))
    return file.read().decode("utf-8", "replace")
