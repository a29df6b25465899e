"""Runs that never were, written as a worker would have written them."""

from __future__ import annotations

from typing import Any

from conch.config import load_train
from conch.core.events import (
    Checkpoint,
    Diagnosis,
    Failed,
    Finished,
    Metrics,
    Phase,
    Queued,
    Started,
    Stopped,
)
from conch.runs import Run, store
from conch.runs.log import EventLog

BEGAN = 1_750_000_000.0


def made_up_run(name: str, end: str = "finished", **settings: Any) -> Run:
    """A run called `name` of four steps, ten seconds each, that ended as `end` says; `queued` never began."""
    values = {"model_name_or_path": "smollm2-135m", "dataset": "magic_conch", **settings}
    made = store.create(load_train(values=values).config)
    run = Run(made.folder.rename(made.folder.parent / name))
    run.events_path.unlink()
    moments = iter(range(100))
    log = EventLog(run.events_path, clock=lambda: BEGAN + 10 * next(moments))
    log.write(Queued, name=settings.get("run_name"))
    _write(log, run, end)
    return run


def _write(log: EventLog, run: Run, end: str) -> None:
    if end == "queued":
        return
    log.write(Started, pid=1)
    log.write(Phase, name="training", facts=None)
    for step, loss in enumerate((4.0, 3.0, 2.5, 2.25), 1):
        log.write(Metrics, step=step, total_steps=4, epoch=step / 4, loss=loss, tokens=100 * step)
    log.write(Metrics, step=4, total_steps=4, eval_loss=2.125)
    checkpoint = run.output / "checkpoint-4"
    checkpoint.mkdir(parents=True, exist_ok=True)
    log.write(Checkpoint, step=4, path=str(checkpoint))
    match end:
        case "finished":
            log.write(Diagnosis, message="The loss fell.")
            log.write(Finished, step=4, train_seconds=40.0, tokens=400, tokens_per_second=10.0, loss=2.25)
        case "failed":
            log.write(
                Failed,
                error="TrainingError",
                message="The device ran out of memory.",
                hint="Halve the batch.",
            )
        case "stopped":
            log.write(Stopped, step=4, checkpoint=str(checkpoint))
    (run.log_path).write_text("".join(f"line {i}\n" for i in range(1, 101)) + "é海螺\n", encoding="utf-8")
