"""One job on disk.

RUN/config.yaml    complete and frozen
RUN/events.jsonl   append-only news; the state is read from it
RUN/worker.json    pid and start time of the process at work
RUN/stop           exists while somebody wants the run to save and stop
RUN/log.txt        everything that the process printed
RUN/output/        what it made (unless `output_dir` puts it elsewhere)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conch.core.events import (
    Diagnosis,
    Event,
    Failed,
    Finished,
    Metrics,
    Queued,
    Started,
    Stopped,
)
from conch.core.files import write_whole
from conch.runs.attempts import last_attempt
from conch.runs.follow import follow, read_events, read_last
from conch.runs.log import EventLog

if TYPE_CHECKING:
    from conch.config.train import TrainConfig

State = Literal["queued", "running", "stopping", "stopped", "finished", "failed", "lost"]
PARTS = (
    *("id", "name", "state", "created", "started", "ended", "config", "progress", "last"),
    *("checkpoints", "output", "error", "diagnosis"),
)
"""What a summary holds, in the order in which it is shown."""
ENDED: frozenset[State] = frozenset({"stopped", "finished", "failed", "lost"})


@dataclass(frozen=True)
class Progress:
    step: int
    total_steps: int | None
    eta_seconds: float | None


@dataclass(frozen=True)
class Worker:
    """The process at work, named so that a recycled pid is not taken for it."""

    pid: int
    started: float

    def is_alive(self) -> bool:
        import psutil  # a run that has ended needs none of it

        try:
            process = psutil.Process(self.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and abs(float(process.create_time()) - self.started) < 1
        except psutil.Error:
            return False


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
    def events(self) -> EventLog:
        return EventLog(self.events_path)

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

    @property
    def output(self) -> Path:
        """Where the adapter or model, the checkpoints and the figures are."""
        given = self.flat_config().get("output_dir")
        return Path(given) if given else self.folder / "output"

    def follow(self, offset: int = 0) -> Iterator[Event]:
        """Events from byte `offset` of the log on, as they come, until the run has ended."""
        for event in follow(self.events_path, offset, ended=lambda: self.state() in ENDED):
            if event is not None:
                yield event

    def checkpoints(self) -> list[Path]:
        """Whole checkpoints, earliest first."""
        found = [path for path in self.output.glob("checkpoint-*") if path.is_dir()]
        numbered = [
            (int(m[1]), path) for path in found if (m := re.fullmatch(r"checkpoint-(\d+)", path.name))
        ]
        return [path for _, path in sorted(numbered)]

    def worker(self) -> Worker | None:
        try:
            data = json.loads((self.folder / "worker.json").read_text())
            return Worker(int(data["pid"]), float(data["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def claim(self, pid: int) -> None:
        """Record that process `pid` works on this run now."""
        import psutil

        started = psutil.Process(pid).create_time()
        write_whole(self.folder / "worker.json", json.dumps({"pid": pid, "started": started}))

    def ask_to_stop(self) -> None:
        """Ask the worker to save a checkpoint after the step in hand and end."""
        self.stop_path.touch()

    def state(self) -> State:
        """What the newest turn in the events says, corrected by whether the worker lives."""
        last = read_last(self.events_path, Queued, Started, Finished, Failed, Stopped)
        match last:
            case Finished():
                return "finished"
            case Failed():
                return "failed"
            case Stopped():
                return "stopped"
        worker = self.worker()
        if worker is None and not isinstance(last, Started):
            return "queued"
        if worker is None or not worker.is_alive():
            return "lost"
        return "stopping" if self.stop_path.exists() else "running"

    def brief(self, events: list[Event] | None = None) -> dict[str, Any]:
        """What a list of runs shows, from the events alone."""
        events = read_events(self.events_path) if events is None else events
        metrics = merged_metrics(events)
        state = self.state()
        return {
            "id": self.id,
            "name": next((e.name for e in events if isinstance(e, Queued) and e.name), self.id),
            "state": state,
            "created": events[0].t if events else None,
            "started": next((event.t for event in events if isinstance(event, Started)), None),
            "ended": events[-1].t if events and state in ENDED else None,
            "progress": {
                "step": metrics.get("step", 0),
                "total_steps": metrics.get("total_steps"),
                "eta_seconds": metrics.get("eta_seconds") if state == "running" else None,
            },
            "last": metrics,
        }

    def summary(self) -> dict[str, Any]:
        """Everything about the run in one JSON object, as `conch runs show --json` prints it."""
        events = read_events(self.events_path)
        brief = self.brief(events)
        failed = last_of(events, Failed) if brief["state"] == "failed" else None
        parts = {
            **brief,
            "config": self.flat_config(),
            "checkpoints": [str(path) for path in self.checkpoints()],
            "output": str(self.output),
            "error": failed and {"kind": failed.error, "message": failed.message, "hint": failed.hint},
            "diagnosis": [event.message for event in last_attempt(events) if isinstance(event, Diagnosis)],
        }
        return {part: parts[part] for part in PARTS}


def merged_metrics(events: list[Event]) -> dict[str, Any]:
    """The newest known value of each metric."""
    merged: dict[str, Any] = {}
    for event in events:
        if isinstance(event, Metrics):
            merged.update({k: v for k, v in event.to_dict().items() if k not in {"t", "kind"}})
    return merged


def last_of(events: list[Event], kind: type[Any]) -> Any:
    return next((event for event in reversed(events) if isinstance(event, kind)), None)
