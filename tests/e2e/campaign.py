"""What a campaign of kills needs: the processes around a run, and what must hold after each kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from conch.core.events import Checkpoint, Metrics
from conch.core.files import TEMPORARY_PREFIX
from conch.runs import Run, list_runs, read_events
from conch.runs.checkpoints import step_of
from conch.training.checkpoint import is_whole, latest
from tests.runs.helpers import wait_for


def shell(*words: str) -> subprocess.Popen[bytes]:
    """`conch WORDS`, whose words nobody reads."""
    nowhere = subprocess.DEVNULL
    command = [sys.executable, "-m", "conch.cli", *words]
    return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)


@dataclass
class Surroundings:
    """A run with those who look on: who follows it, and a server that computes beside it."""

    run: Run
    follower: subprocess.Popen[bytes]
    server: subprocess.Popen[bytes] | None = None
    inside: bool = False
    """Whether the last kill fell into the writing of something."""

    def kill_follower(self) -> None:
        kill(self.follower)

    def kill_server(self) -> None:
        if self.server is not None:
            kill(self.server)
            self.server = None

    def kill_worker(self) -> bool:
        """Whether the worker was alive to be killed."""
        worker = self.run.worker()
        if worker is None or not worker.is_alive():
            return False
        os.kill(worker.pid, 9)
        wait_for(lambda: not worker.is_alive())
        return self.run.state() == "lost"

    def kill_everything(self) -> bool:
        """The worker and whatever names its run, who follows, and the server."""
        died = self.kill_worker()
        for process in naming(self.run.folder):
            process.kill()
        self.kill_follower()
        self.kill_server()
        return died

    def close(self) -> None:
        self.kill_everything()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def serve(model: Path, words: Path) -> subprocess.Popen[bytes]:
    """`conch serve MODEL` on a free port, once it answers."""
    command = [sys.executable, "-m", "conch.cli", "serve", str(model), "--port", "0", "--json"]
    with words.open("wb") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    wait_for(lambda: '"url"' in words.read_text() or server.poll() is not None)
    assert server.poll() is None, words.read_text()
    return server


def begin(words: list[str]) -> Surroundings:
    """A run begun and followed by `conch train WORDS`."""
    known = set(list_runs())
    starter = shell("train", *words)
    wait_for(lambda: set(list_runs()) - known or starter.poll() is not None)
    (run,) = set(list_runs()) - known
    wait_for(lambda: run.worker() is not None and not run.worker().starting)
    return Surroundings(run, starter)


def step(run: Run) -> int:
    """The last step that was told."""
    return max((e.step for e in read_events(run.events_path) if isinstance(e, Metrics)), default=0)


def naming(folder: Path) -> list[psutil.Process]:
    """Every living process but this one that names `folder` in its words or its environment."""
    return [process for process in psutil.process_iter() if _names(process, str(folder))]


def _names(process: psutil.Process, name: str) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(name in word for word in (*process.cmdline(), *process.environ().values()))
    except (psutil.Error, OSError):
        return False


def temporaries(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from folder.rglob(f"{TEMPORARY_PREFIX}*")


def begun_by(pid: int, folder: Path) -> Iterator[Path]:
    """What that process began to write and did not end; what an earlier one left is not its own."""
    yield from folder.rglob(f"{TEMPORARY_PREFIX}{pid}-*")


def facts_that_stay(run: Run) -> dict[str, Any]:
    """What must not change while others than the worker die."""
    starts = [event for event in read_events(run.events_path) if event.kind in {"queued", "started"}]
    return {"worker": json.loads(run.worker_path.read_text()), "starts": starts}


def check_after_kill(run: Run, before: Path | None, save_steps: int = 1) -> None:
    """Every checkpoint with a name is whole, and at most `save_steps` steps that were reached are lost."""
    for folder in run.checkpoints():
        assert is_whole(folder), folder
    newest = latest(run.output)
    events = read_events(run.events_path)
    told = max((e.step for e in events if isinstance(e, Checkpoint)), default=0)
    reached = max((e.step for e in events if isinstance(e, Metrics)), default=0)
    saved = step_of(newest) if newest else 0
    assert saved >= told
    assert saved >= reached - save_steps
    assert saved >= (step_of(before) if before else 0)
