"""Composition root: a run folder in, work done, events out.

    python -m conch.worker RUN [--resume CHECKPOINT]

A process of its own session with its output in the run's log. Nobody who watches can hold it
up or take it down.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

from conch.core.errors import ConchError, TrainingError
from conch.core.events import Failed, Started
from conch.runs import trackers
from conch.runs.diagnosis import DiagnosingLog
from conch.runs.machine import memory_total
from conch.runs.run import Run
from conch.training.conclusion import conclude


def execute(run: Run, resume: Path | None = None) -> bool:
    """Do the run in this process; whether it ended well. Every failure becomes an event."""
    run.claim(os.getpid())
    offset = run.events_path.stat().st_size if run.events_path.exists() else 0
    run.events.write(
        Started, pid=os.getpid(), resumed_from=str(resume) if resume else None, memory_total=memory_total()
    )
    trackers.start(run, offset)
    ended_well = _attempt(run, resume)
    conclude(run)
    return ended_well


def _attempt(run: Run, resume: Path | None) -> bool:
    try:
        _train(run, resume)
    except ConchError as error:
        _fail(run, error)
    except OSError as error:
        where = error.filename or run.output
        _fail(run, TrainingError("training.disk", file=where, reason=error.strerror or error, run=run.id))
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        _fail(run, TrainingError("training.unexpected", reason=reason, log=run.log_path))
    else:
        return True
    return False


def _train(run: Run, resume: Path | None) -> None:
    from conch.training.job import Job, train  # heavy: only the process at work pays for it

    train(
        Job(
            config=run.config(),
            output=run.output,
            log=DiagnosingLog(run),
            wants_stop=run.stop_path.exists,
            resume=resume,
        )
    )


def _fail(run: Run, error: ConchError) -> None:
    DiagnosingLog(run).write(Failed, error=type(error).__name__, message=error.message, hint=error.hint)


def main(arguments: list[str]) -> int:
    run = Run(Path(arguments[0]))
    resume = Path(arguments[2]) if arguments[1:2] == ["--resume"] else None
    signal.signal(signal.SIGTERM, lambda *_: run.ask_to_stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return 0 if execute(run, resume) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
