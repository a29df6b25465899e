"""One job on disk.

RUN/config.yaml      complete; changes only where somebody resumes with more epochs or steps
RUN/provenance.json  the data, template, packages, machine and seed that it was submitted with
RUN/events.jsonl     append-only news; the state is read from it
RUN/worker.json      the process in charge: waiting for its turn, or at work (`conch.runs.process`)
RUN/heartbeat        touched every few seconds by that process
RUN/stop             exists while somebody wants the run to save and stop
RUN/cancel           exists once somebody wanted the run to end without saving
RUN/save             exists while somebody wants a checkpoint now
RUN/told-NONCE       once the loss of that worker was told of (`conch.runs.notify.lost`)
RUN/reserve/         room on the disk for the news of a full disk, while the run is at work
RUN/log.txt          everything that the process printed
RUN/output/          what it made (unless `output_dir` puts it elsewhere)
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conch.core.events import (
    Continued,
    Diagnosis,
    Event,
    Failed,
    Finished,
    Paused,
    Queued,
    Started,
    Stopped,
)
from conch.core.files import write_whole
from conch.core.text import tr
from conch.runs import lost, words
from conch.runs.checkpoints import numbered
from conch.runs.follow import follow, read_last
from conch.runs.log import PatientLog
from conch.runs.process import Worker, identify, silent_for
from conch.runs.summary import Bytes, open_log

if TYPE_CHECKING:
    from conch.config.train import TrainConfig

State = Literal["queued", "running", "paused", "stopping", "stopped", "finished", "failed", "lost"]
PARTS = (
    *("id", "name", "state", "created", "started", "ended", "config", "progress", "last"),
    *("checkpoints", "output", "error", "diagnosis", "waits", "paused"),
)
"""What a summary holds, in the order in which it is shown."""


def told(state: State) -> str:
    """A state in the reader's language."""
    return tr(f"runs.state.{state}")


ENDED: frozenset[State] = frozenset({"stopped", "finished", "failed", "lost"})
DONE: dict[State, type[Finished] | type[Stopped]] = {"stopped": Stopped, "finished": Finished}
"""Ends that know their step, which the last figures may not: they are told every few steps."""
CANCEL_SECONDS = 15.0
"""So long after somebody asked to cancel, a dead worker's run is still being stopped by them."""
LOOK_SECONDS = 1.0
"""How often a follower looks whether the worker lives."""


@dataclass(frozen=True)
class Progress:
    step: int
    total_steps: int | None
    eta_seconds: float | None


@dataclass(frozen=True)
class Run:
    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config_path(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def events_path(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def log_path(self) -> Path:
        return self.folder / "log.txt"

    @property
    def stop_path(self) -> Path:
        return self.folder / "stop"

    @property
    def cancel_path(self) -> Path:
        return self.folder / "cancel"

    @property
    def save_path(self) -> Path:
        return self.folder / "save"

    @property
    def worker_path(self) -> Path:
        return self.folder / "worker.json"

    @property
    def heartbeat_path(self) -> Path:
        return self.folder / "heartbeat"

    @property
    def provenance_path(self) -> Path:
        return self.folder / "provenance.json"

    @cached_property
    def events(self) -> PatientLog:
        return PatientLog(self.events_path)

    def config(self) -> TrainConfig:
        from conch.config.load import load_train  # listing runs needs no schema

        return load_train(self.config_path).config

    def flat_config(self) -> dict[str, Any]:
        """The config as it stands in the file, without checking it; empty where somebody broke the file."""
        return self._flat

    @cached_property
    def _flat(self) -> dict[str, Any]:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
        try:
            loaded = yaml.load(self.config_path.read_text(encoding="utf-8"), loader)
        except (yaml.YAMLError, OSError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}

    def run_name(self) -> str | None:
        """What the user calls the run, if anything."""
        name = self.flat_config().get("run_name")
        return None if name is None else str(name)

    @property
    def output(self) -> Path:
        """Where the adapter or model, the checkpoints and the figures are."""
        given = self.flat_config().get("output_dir")
        return Path(given) if given else self.folder / "output"

    def follow(self, offset: int = 0) -> Iterator[Event]:
        """Events from byte `offset` of the log on, as they come, until the run has ended."""
        ending = Ending(self)
        for event in follow(self.events_path, offset, ended=ending):
            if isinstance(event, (Finished, Failed, Stopped)):
                ending.look_again()
            if event is not None:
                yield event

    def checkpoints(self) -> list[Path]:
        """Whole checkpoints, earliest first."""
        return numbered(self.output)

    def worker(self) -> Worker | None:
        try:
            return Worker.from_dict(json.loads(self.worker_path.read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def claim(self, pid: int, *, log_bytes: int | None = None, shared: bool = False) -> None:
        """Record that process `pid` works on this run now.

        `log_bytes` is the length of the log when it began; now, unless given. `shared` is a process
        that has other work as well.
        """
        length = self._log_bytes() if log_bytes is None else log_bytes
        worker = identify(pid, log_bytes=length, shared=shared, killed=lost.memory_kills(pid))
        write_whole(self.worker_path, json.dumps(worker.to_dict()))

    def _log_bytes(self) -> int:
        try:
            return self.log_path.stat().st_size
        except OSError:
            return 0

    def ask_to_stop(self) -> None:
        """Ask the worker to save a checkpoint after the step in hand and end."""
        self.stop_path.touch()

    def ask_to_save(self) -> None:
        """Ask the worker to save a checkpoint after the step in hand and go on."""
        self.save_path.touch()

    def takes_save(self) -> bool:
        """Whether somebody wanted a checkpoint; the wish counts as heard."""
        if not self.save_path.exists():
            return False
        self.save_path.unlink(missing_ok=True)
        return True

    def turn(self) -> Event | None:
        """The newest event that changed the state."""
        return read_last(self.events_path, Queued, Started, Paused, Continued, Finished, Failed, Stopped)

    def state(self) -> State:
        """What the newest turn in the events says, corrected by whether the worker lives."""
        last = self.turn()
        if (ended := _ended(last)) is not None:
            return ended
        worker = self.worker()
        begun = isinstance(last, (Started, Paused, Continued))
        if worker is None and not begun and not self.cancel_path.exists():
            return "queued"
        if worker is None or not worker.is_alive(self.heartbeat_path):
            # it may have told its end after the first look and before it went
            return _ended(self.turn()) or self._without_worker()
        if self.stop_path.exists() or self.cancel_path.exists():
            return "stopping"
        return "queued" if isinstance(last, Queued) else "paused" if isinstance(last, Paused) else "running"

    def told_state(self) -> str:
        """The state in the reader's language."""
        return told(self.state())

    def _without_worker(self) -> State:
        if not self.cancel_path.exists():
            return "lost"
        return "stopping" if silent_for(self.cancel_path) < CANCEL_SECONDS else "stopped"

    def lost(self) -> lost.LostError:
        """Why the worker is gone, where the run is lost."""
        return lost.cause(self.id, self.folder, self.worker())

    def brief(self) -> dict[str, Any]:
        """What a list of runs shows, from the events alone."""
        with open_log(self.events_path) as log:
            return self._brief(log)

    def _brief(self, log: Bytes) -> dict[str, Any]:
        metrics = log.metrics()
        state = self.state()
        first, started = log.any_first(), log.first(Started)
        name = next((event.name for event in log.all(Queued) if event.name), self.id)
        end = log.last(DONE[state]) if state in DONE else None
        # what is told of a run after its end, such as what it forgot, is not its end
        ended = end or (log.any_last() if state in ENDED else None)
        return {
            "id": self.id,
            "name": name,
            "state": state,
            "created": first.t if first else None,
            "started": started.t if started else None,
            "ended": ended.t if ended else None,
            "progress": {
                "step": end.step if end else metrics.get("step", 0),
                "total_steps": metrics.get("total_steps"),
                "eta_seconds": metrics.get("eta_seconds") if state == "running" else None,
            },
            "last": metrics,
        }

    def summary(self) -> dict[str, Any]:
        """Everything about the run in one JSON object, as `conch runs show --json` prints it."""
        from conch.runs.diagnosis.finding import in_words  # diagnosis is made of runs

        with open_log(self.events_path) as log:
            brief = self._brief(log)
            error = self._error(brief["state"], log)
            # what was found of an earlier attempt is no news
            diagnosis = [in_words(event) for event in log.all(Diagnosis, since=Started)]
        parts = {
            **brief,
            "config": self.flat_config(),
            "checkpoints": [str(path) for path in self.checkpoints()],
            "output": str(self.output),
            "error": error,
            "diagnosis": diagnosis,
            "waits": self._waits() if brief["state"] == "queued" else None,
            "paused": self._paused() if brief["state"] == "paused" else None,
        }
        return {part: parts[part] for part in PARTS}

    def _error(self, state: State, log: Bytes) -> dict[str, str] | None:
        if state == "lost":
            return self.lost().to_dict()
        failed = log.last(Failed) if state == "failed" else None
        if failed is None:
            return None
        return {"kind": failed.error, "message": failed.message, "hint": failed.hint}

    def _paused(self) -> dict[str, Any] | None:
        """What the run waits for: since and until when, what to do."""
        paused = read_last(self.events_path, Paused)
        if not isinstance(paused, Paused):
            return None
        message, hint = words.paused(paused)
        return {"since": paused.t, **paused.to_dict(), "message": message, "hint": hint}

    def _waits(self) -> dict[str, Any] | None:
        from conch.runs.queue import places  # the queue is made of runs

        place = places().get(self.id)
        return place.to_dict() if place else None


def _ended(turn: Event | None) -> State | None:
    """The state of a run whose newest turn is an end; None for any other."""
    match turn:
        case Finished():
            return "finished"
        case Failed():
            return "failed"
        case Stopped():
            return "stopped"
    return None


class Ending:
    """Tells a follower whether a run has ended: looks behind every end that is told, else now and then."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ended = False
        self._looked: float | None = None

    def look_again(self) -> None:
        self._looked = None

    def __call__(self) -> bool:
        if self._looked is None or time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._ended = self._run.state() in ENDED
        return self._ended
