"""Composition root: a run folder in, work done, events out.

    python -m conch.worker RUN [--resume CHECKPOINT]

A process of its own session with its output in the run's log. Nobody who watches can hold it
up or take it down. It waits for its turn on the device before it imports anything heavy.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from conch.core import env
from conch.core.errors import ConchError, TrainingError, first_line
from conch.core.events import Checkpoint, Failed, Metrics, Phase, Started, Stopped
from conch.runs import devices, trackers
from conch.runs.diagnosis import DiagnosingLog
from conch.runs.launch import accept_charge, beating
from conch.runs.machine import memory_total
from conch.runs.queue import Place, taking_turns
from conch.runs.run import Run
from conch.runs.summary import open_log
from conch.training.conclusion import conclude

CANCELLED = 143
"""Exit code of a worker that was told to end without saving: what a shell shows for SIGTERM."""

if TYPE_CHECKING:
    from conch.config.train import TrainConfig


def execute(run: Run, resume: Path | None = None, config: TrainConfig | None = None) -> bool:
    """Do the run in this process; whether it ended well. Every failure becomes an event.

    `config` is the run's own, with the secrets that its file does not hold.
    """
    run.claim(os.getpid())
    offset = run.events_path.stat().st_size if run.events_path.exists() else 0
    run.events.write(
        Started, pid=os.getpid(), resumed_from=str(resume) if resume else None, memory_total=memory_total()
    )
    trackers.start(run, offset)
    ended_well = _attempt(run, resume, config or run.config())
    conclude(run)
    return ended_well


def _attempt(run: Run, resume: Path | None, config: TrainConfig) -> bool:
    try:
        _train(run, resume, config)
    except ConchError as error:
        _fail(run, error)
    except Exception as error:
        traceback.print_exc()
        _fail(run, _translate(run, error))
    except KeyboardInterrupt:  # in a notebook: the run must not look alive
        _fail(run, TrainingError("training.interrupted", run=run.id))
        raise
    else:
        return True
    return False


DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


def _translate(run: Run, error: Exception) -> TrainingError:
    """A foreign error in our words: the disk's as such, all others with the log to look at."""
    if isinstance(error, OSError) and error.errno in DISK_ERRORS:
        where = error.filename or run.output
        return TrainingError("training.disk", file=where, reason=error.strerror or error, run=run.id)
    reason = f"{type(error).__name__}: {first_line(error)}"
    return TrainingError("training.unexpected", reason=reason, log=run.log_path)


def _train(run: Run, resume: Path | None, config: TrainConfig) -> None:
    env.bound_kernel_caches()
    from conch.training.job import Job, train  # heavy: only the process at work pays for it

    train(
        Job(
            config=config,
            output=run.output,
            log=DiagnosingLog(run),
            wants_stop=run.stop_path.exists,
            wants_save=run.takes_save,
            resume=resume,
        )
    )


def _fail(run: Run, error: ConchError) -> None:
    DiagnosingLog(run).write(Failed, error=type(error).__name__, message=error.message, hint=error.hint)


def wait_and_execute(run: Run, resume: Path | None) -> bool:
    """Wait for a device, do the run on it, release it; whether that ended well."""
    with taking_turns(run, run.stop_path.exists, lambda place: _tell_place(run, place)) as device:
        if device is None:
            _stopped_in_line(run)
            return True
        devices.use(device)
        return execute(run, resume)


def _tell_place(run: Run, place: Place) -> None:
    run.events.write(Phase, name="waiting", facts=place.to_dict())


def _stopped_in_line(run: Run) -> None:
    """Somebody wanted the run to stop before it began. What an earlier attempt saved stays."""
    with open_log(run.events_path) as log:
        last, checkpoint = log.last(Metrics), log.last(Checkpoint)
    run.events.write(Stopped, step=last.step if last else 0, checkpoint=checkpoint and checkpoint.path)


def _told_to_end(run: Run) -> None:
    """SIGTERM means: save and stop. Where somebody cancelled the run, end at once."""
    if run.cancel_path.exists():
        raise SystemExit(CANCELLED)
    run.ask_to_stop()


def main(arguments: list[str]) -> int:
    run = Run(Path(arguments[0]))
    resume = Path(arguments[2]) if arguments[1:2] == ["--resume"] else None
    signal.signal(signal.SIGTERM, lambda *_: _told_to_end(run))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not accept_charge(run):
        return 0
    if run.cancel_path.exists():  # somebody was faster than this process's first breath
        return CANCELLED
    with beating(run):
        return 0 if wait_and_execute(run, resume) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
