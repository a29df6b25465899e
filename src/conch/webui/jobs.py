"""Commands of the shell that pages start as processes of their own.

A job is seen by every browser, goes on when the studio ends, and tells what the command tells: its
lines go to one file, its one JSON document to another. So a page has nothing to say that the shell
would not. A job that `belongs` to the studio (a model held for its chat) ends with it.

FOLDER/job.json   what was started, and the process
FOLDER/out.json   what the command printed as its result
FOLDER/log.txt    what it told on the way
FOLDER/stopped    exists once somebody ended it
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from conch.core import env
from conch.core.files import write_whole
from conch.core.text import language
from conch.runs.process import Worker, identify

State = Literal["working", "done", "failed", "stopped", "lost"]
KEPT = 20
"""How many ended jobs of a kind are remembered."""
GRACE_SECONDS = 10.0
TAIL = 32 * 1024
MARK = "CONCH_JOB"
"""Variable in the environment of a job and of all that it starts: its folder."""
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Job:
    """One command at work, or ended."""

    folder: Path
    kind: str
    words: tuple[str, ...]
    """The command line behind `conch`."""
    created: float
    about: Mapping[str, Any]
    """What the page that started it wants to remember. No secrets."""
    worker: Worker
    owner: Worker | None
    """The studio that it belongs to."""

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def command(self) -> str:
        """What to type in the shell for the same."""
        return f"conch {shlex.join(self.words)}"

    @property
    def was_stopped(self) -> bool:
        return (self.folder / "stopped").exists()

    def is_alive(self) -> bool:
        _reap()
        return self.worker.is_alive()

    def state(self) -> State:
        if self.is_alive():
            return "working"
        told = self.told()
        if self.was_stopped and (not told or "error" in told):
            return "stopped"
        if "error" in told:
            return "failed"
        return "done" if told else "lost"

    def told(self) -> dict[str, Any]:
        """The last document that the command printed; empty where there is none yet."""
        try:
            text = (self.folder / "out.json").read_text(encoding="utf-8")
        except OSError:
            return {}
        found: dict[str, Any] = {}
        decoder, place = json.JSONDecoder(), 0
        while (place := text.find("{", place)) >= 0:
            try:
                document, place = decoder.raw_decode(text, place)
            except ValueError:
                break
            found = document if isinstance(document, dict) else found
        return found

    def lines(self) -> list[str]:
        """The end of what it told on the way."""
        try:
            with (self.folder / "log.txt").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
                return file.read().decode(errors="replace").splitlines()
        except OSError:
            return []

    def problem(self) -> tuple[str, str]:
        """Why it failed, and what to do."""
        error = self.told().get("error") or {}
        return str(error.get("message", "")), str(error.get("hint", ""))

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Ask the command and all that it started to end; a thread sees to it that they do."""
        (self.folder / "stopped").touch()
        if self.is_alive():
            _signal(self.worker.pid, signal.SIGINT)
            threading.Thread(target=self._see_to_it, args=(grace,), name="ending", daemon=True).start()

    def end(self, grace: float = GRACE_SECONDS) -> None:
        """The same, and wait until it is so."""
        (self.folder / "stopped").touch()
        if self.is_alive():
            _signal(self.worker.pid, signal.SIGINT)
        self._see_to_it(grace)

    def _see_to_it(self, grace: float) -> None:
        end = time.monotonic() + grace
        while self.is_alive() and time.monotonic() < end:
            time.sleep(0.05)
        for process in self._members():
            try:
                process.kill()
            except psutil.Error:
                continue

    def _members(self) -> list[psutil.Process]:
        """What still runs of it: children inherit the mark."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found


def folder_of(kind: str) -> Path:
    return env.home() / "studio" / kind


def start(
    kind: str,
    words: Sequence[str],
    about: Mapping[str, Any] | None = None,
    *,
    hidden: Mapping[str, str] | None = None,
    belongs: bool = False,
) -> Job:
    """Start `conch WORDS --json`. `hidden` goes by the environment, which only this user can read."""
    forget_old(kind)
    folder = folder_of(kind) / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True, mode=0o700)
    with (folder / "out.json").open("wb") as out, (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "conch.cli", *words, "--json"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
            cwd=folder,  # first on the module path with `-m`: the user's own files must not be
            env=env.child_environment(
                CONCH_HOME=str(env.home()),
                CONCH_LANG=language(),
                PYTHONUNBUFFERED="1",
                **{MARK: str(folder)},
                **(hidden or {}),
            ),
        )
    _children.append(process)
    owner = identify(os.getpid()) if belongs else None
    job = Job(folder, kind, tuple(words), time.time(), dict(about or {}), identify(process.pid), owner)
    kept = {
        "words": list(words),
        "created": job.created,
        "about": job.about,
        "worker": job.worker.to_dict(),
        "owner": owner and owner.to_dict(),
    }
    write_whole(folder / "job.json", json.dumps(kept, ensure_ascii=False, indent=2))
    return job


def jobs(kind: str) -> list[Job]:
    """All jobs of a kind, the newest first."""
    folder = folder_of(kind)
    if not folder.is_dir():
        return []
    found = (_read(path, kind) for path in sorted(folder.iterdir(), reverse=True))
    return [job for job in found if job is not None]


def find(kind: str, name: str) -> Job | None:
    return next((job for job in jobs(kind) if job.id == name), None)


def forget(job: Job) -> None:
    """Take an ended job off the list. What it wrote elsewhere stays."""
    if not job.is_alive():
        shutil.rmtree(job.folder, ignore_errors=True)


def forget_old(kind: str) -> None:
    for job in [job for job in jobs(kind) if not job.is_alive()][KEPT:]:
        forget(job)


def end_orphans(kind: str) -> None:
    """End what belonged to a studio that is no more."""
    for job in jobs(kind):
        if job.owner is not None and not job.owner.is_alive():
            job.stop()


def _read(folder: Path, kind: str) -> Job | None:
    try:
        kept = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        owner = Worker.from_dict(kept["owner"]) if kept.get("owner") else None
        words = tuple(map(str, kept["words"]))
        worker = Worker.from_dict(kept["worker"])
        return Job(folder, kind, words, float(kept["created"]), dict(kept["about"]), worker, owner)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return


def _reap() -> None:
    """Let the system forget children that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]
