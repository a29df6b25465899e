"""Models that the studio holds in memory for its chat: each base in a server of its own, `conch serve`.

An adapter shares the weights of its base, so that base and tuned model side by side take the memory of
one. Servers that nobody has asked for a while end, and so do those that make room for others.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conch.core.errors import ConchError, ServeError
from conch.models.locate import Located, Request, locate
from conch.webui import jobs
from conch.webui.jobs import Job

KIND = "held"
MOST = 2
"""Bases in memory at once."""
IDLE_SECONDS = 15 * 60.0
LOOK_SECONDS = 0.1
Notify = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """A model that answers: where, and by which name."""

    url: str
    name: str


@dataclass
class Base:
    """One server, the adapters on it, and when it was used last."""

    folder: Path
    adapters: dict[str, Path]
    stamps: dict[str, int]
    """When each adapter was written: one that was trained further is another."""
    job: Job
    used: float = field(default_factory=time.monotonic)

    def has(self, adapters: Sequence[Path]) -> bool:
        return all(self.stamps.get(str(path)) == _stamp(path) for path in adapters)

    def model(self, located: Located) -> Model:
        if not located.adapters:
            return Model(self._url(), "base")
        names = {path: name for name, path in self.adapters.items()}
        return Model(self._url(), names[located.adapters[0]])

    def _url(self) -> str:
        return str(self.job.told()["url"])


class Held:
    """All of them. Safe to call from several threads."""

    def __init__(self) -> None:
        self._bases: dict[str, Base] = {}
        self._turn = threading.Lock()
        self._watched = False
        jobs.end_orphans(KIND)
        atexit.register(self.close)

    def open(self, references: Sequence[str], notify: Notify, wanted: Callable[[], bool]) -> list[Model]:
        """The models called `references`, loaded where they are not. Raises ConchError.

        `wanted` tells whether anybody still waits.
        """
        found = [locate(Request(reference, notify=notify)) for reference in references]
        with self._turn:
            self._watch()
            bases = [self._base(each, found) for each in found]
            self._make_room([base.job.id for base in bases])
        for base in bases:
            self._await(base, notify, wanted)
        return [base.model(each) for base, each in zip(bases, found, strict=True)]

    def listed(self) -> list[Base]:
        return [base for base in self._bases.values() if base.job.is_alive()]

    def let_go(self) -> None:
        """Give all memory back."""
        with self._turn:
            for base in self._bases.values():
                base.job.stop()
            self._bases.clear()

    def close(self) -> None:
        for base in self._bases.values():
            base.job.end(grace=2)
        self._bases.clear()

    def _base(self, located: Located, wanted: Sequence[Located]) -> Base:
        """The server of a model; begun anew where it lacks an adapter."""
        alone = len(located.adapters) > 1
        key = str(located.adapters[-1] if alone else located.folder)
        adapters = [] if alone else _adapters(located.folder, wanted)
        known = self._bases.get(key)
        if known is not None and known.job.is_alive() and known.has(adapters):
            known.used = time.monotonic()
            return known
        if known is not None:
            known.job.end()
        base = _begun(Path(key), adapters)
        self._bases[key] = base
        return base

    def _make_room(self, needed: Sequence[str]) -> None:
        others = sorted((base.used, key) for key, base in self._bases.items() if base.job.id not in needed)
        for _, key in others[: max(0, len(self._bases) - MOST)]:
            self._bases.pop(key).job.stop()

    def _await(self, base: Base, notify: Notify, wanted: Callable[[], bool]) -> None:
        told = ""
        while "url" not in base.job.told():
            if not base.job.is_alive():
                raise _not_loaded(base.job)
            if not wanted():
                raise ServeError("studio.chat.not_wanted")
            line = next(reversed(base.job.lines()), "")
            if line and line != told:
                told = line
                notify(line)
            time.sleep(LOOK_SECONDS)
        base.used = time.monotonic()

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._end_idle, name="held", daemon=True).start()

    def _end_idle(self) -> None:
        while True:
            time.sleep(30)
            with self._turn:
                for key, base in list(self._bases.items()):
                    if time.monotonic() - base.used > IDLE_SECONDS:
                        self._bases.pop(key).job.stop()


def _adapters(folder: Path, wanted: Sequence[Located]) -> list[Path]:
    found = (each.adapters[0] for each in wanted if each.folder == folder and len(each.adapters) == 1)
    return list(dict.fromkeys(found))


def _begun(model: Path, adapters: Sequence[Path]) -> Base:
    named = {f"adapter{number}": path for number, path in enumerate(adapters, 1)}
    words = ["serve", str(model), "--name", "base", "--port", "0"]
    for name, path in named.items():
        words += ["--adapter", f"{name}={path}"]
    job = jobs.start(KIND, words, {"model": str(model)}, hidden={"CONCH_API_KEY": ""}, belongs=True)
    return Base(model, named, {str(path): _stamp(path) for path in adapters}, job)


def _stamp(adapter: Path) -> int:
    try:
        return (adapter / "adapter_model.safetensors").stat().st_mtime_ns
    except OSError:
        return -1


def _not_loaded(job: Job) -> ConchError:
    message, hint = job.problem()
    if message:
        return OtherFailureError(message, hint)
    return ServeError("studio.chat.not_loaded", command=job.command)


class OtherFailureError(ServeError):
    """What another process of ours told of its failure, in its words."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__("studio.other_failure", message=message, hint=hint)
