"""From a run's events to one tracker."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from importlib import import_module

from conch.core import env
from conch.core.events import Event, Metrics
from conch.runs.run import Run
from conch.runs.trackers.tracker import Subject, Tracker, settings_of

NAMES = {
    "loss": "train/loss",
    "eval_loss": "eval/loss",
    "learning_rate": "train/learning_rate",
    "grad_norm": "train/grad_norm",
    "epoch": "train/epoch",
    "tokens": "train/tokens",
    "tokens_per_second": "train/tokens_per_second",
    "memory_bytes": "system/memory_bytes",
}
"""Our figures, as trackers show them: in groups, by the names that transformers gave them."""


def feed(run: Run, name: str, offset: int = 0) -> bool:
    """Follow `run` to its end and tell the tracker called `name`; whether that went well.

    What goes wrong becomes one warning of the run.
    """
    adapter = import_module(f"conch.runs.trackers.{name}")
    try:
        library = import_module(adapter.LIBRARY)
    except ImportError:
        run.events.warn("trackers.missing", name=name)
        return False
    try:
        tracker: Tracker = adapter.start(library, subject_of(run, name))
        tell(tracker, run.follow(offset))
        tracker.close(run.state() == "finished")
    except Exception as error:  # the library's own, of any kind; the whole story is in its log
        traceback.print_exc()
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"[:300].rstrip(".")
        run.events.warn(
            "trackers.failed", name=name, reason=reason, log=run.folder / "trackers" / f"{name}.log"
        )
        return False
    return True


def subject_of(run: Run, name: str) -> Subject:
    config = run.flat_config()
    folder = run.folder / "trackers" / name
    folder.mkdir(parents=True, exist_ok=True)
    called = str(config.get("run_name") or run.id)
    return Subject(run.id, called, config, settings_of(config), folder, env.home())


def tell(tracker: Tracker, events: Iterable[Event]) -> None:
    for event in events:
        if isinstance(event, Metrics):
            known = {NAMES[key]: value for key, value in event.to_dict().items() if key in NAMES}
            tracker.log(known, event.step)
