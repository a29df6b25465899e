"""Composition root: a run folder in, work done, events out.

    python -m conch.worker RUN [--resume CHECKPOINT]

A process of its own session with its output in the run's log. Nobody who watches can hold it
up or take it down. It waits for its turn on the device before it imports anything heavy.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conch.core import disk, env
from conch.core.errors import ConchError, TrainingError, first_line
from conch.core.events import Failed, Finished, Phase, Started
from conch.predicting import LastPart
from conch.runs import devices, trackers
from conch.runs.control import tell_left
from conch.runs.diagnosis import DiagnosingLog
from conch.runs.launch import accept_charge, beating, hosting
from conch.runs.machine import memory_total
from conch.runs.notify import tell
from conch.runs.notify.lost import tell_losses
from conch.runs.printing import forgive_output
from conch.runs.queue import Place, taking_turns
from conch.runs.reserve import Reserve
from conch.runs.run import Run
from conch.sharing import fits_beside
from conch.training import lean
from conch.training.conclusion import conclude

CANCELLED = 143
"""Exit code of a worker that was told to end without saving: what a shell shows for SIGTERM."""

if TYPE_CHECKING:
    from conch.config.train import TrainConfig


class CancelledError(Exception):
    """Somebody wants the run to end without saving."""


def execute(
    run: Run, resume: Path | None = None, config: TrainConfig | None = None, *, shared: bool = False
) -> bool:
    """Do the run in this process; whether it ended well. Every failure becomes an event.

    `config` is the run's own, with the secrets that its file does not hold. `shared` is a process that
    has other work as well.
    """
    try:
        ended_well = _carry_out(run, resume, config, shared)
        _settle(run, partial(_is_unwanted, run))
        conclude(run)
        return ended_well
    finally:
        Reserve.of(run.folder).clear()


def _carry_out(run: Run, resume: Path | None, config: TrainConfig | None, shared: bool) -> bool:
    try:
        offset = _begin(run, resume, shared)
    except OSError as error:
        _fail(run, _translate(run, error))
        return False
    trackers.start(run, offset)
    return _attempt(run, resume, config or run.config(), shared)


def _begin(run: Run, resume: Path | None, shared: bool) -> int:
    """Take charge and say so; returns where in the log this attempt begins."""
    run.claim(os.getpid(), shared=shared)
    Reserve.of(run.folder).fill()
    offset = run.events_path.stat().st_size if run.events_path.exists() else 0
    run.events.write(
        Started, pid=os.getpid(), resumed_from=str(resume) if resume else None, memory_total=memory_total()
    )
    return offset


def _settle(run: Run, until: Callable[[], bool]) -> None:
    """The end is no end before the disk has taken it: wait for that, as long as the run would for room."""
    if run.events.owed:
        run.events.settle(run.config().output.disk_wait_minutes * 60, until)


def _is_unwanted(run: Run) -> bool:
    return run.stop_path.exists() or run.cancel_path.exists()


def _attempt(run: Run, resume: Path | None, config: TrainConfig, shared: bool) -> bool:
    try:
        _train(run, resume, config, shared)
    except CancelledError:
        tell_left(run)
        return True
    except ConchError as error:
        _fail(run, error)
    except Exception as error:
        if run.cancel_path.exists():  # its processes are ended one after another: this one misses another
            tell_left(run)
            return True
        traceback.print_exc()
        _fail(run, _translate(run, error))
    except KeyboardInterrupt:  # in a notebook: the run must not look alive
        _fail(run, TrainingError("training.interrupted", run=run.id))
        raise
    else:
        return True
    return False


def _translate(run: Run, error: Exception) -> TrainingError:
    """A foreign error in our words: the disk's as such, all others with the log to look at."""
    if isinstance(error, OSError) and error.errno in disk.REFUSED:
        where = error.filename or run.output
        return TrainingError("training.disk", file=where, reason=error.strerror or error, run=run.id)
    reason = f"{type(error).__name__}: {first_line(error)}"
    return TrainingError("training.unexpected", reason=reason, log=run.log_path)


def _train(run: Run, resume: Path | None, config: TrainConfig, shared: bool) -> None:
    env.bound_kernel_caches()
    log = DiagnosingLog(run)
    wants_stop = _wants_stop_here(run) if shared else run.stop_path.exists
    prediction = LastPart(run, config, log, wants_stop)
    ended = prediction.is_all(resume)
    if ended is not None:
        run.output.mkdir(parents=True, exist_ok=True)
        if prediction.do(ended):
            log.write(Finished, **ended)
        return
    with lean.imports(config) if not shared else nullcontext():
        from conch.training.job import Job, train  # heavy: only the process at work pays for it

    train(
        Job(
            config=config,
            output=run.output,
            log=log,
            wants_stop=wants_stop,
            wants_save=run.takes_save,
            resume=resume,
            tell_paused=partial(tell, run),
            afterwards=prediction.do,
        )
    )


def _fail(run: Run, error: ConchError) -> None:
    with suppress(OSError):
        DiagnosingLog(run).write(Failed, error=type(error).__name__, message=error.message, hint=error.hint)
        if not run.events.owed:
            return
    # a disk that takes nothing: whoever looks at the run may find it lost, and here why
    sys.stderr.write(f"{error.message}\n")


def _wants_stop_here(run: Run) -> Callable[[], bool]:
    """Asks whether the run should save and stop. It raises CancelledError where it should end without saving.

    For a process that has other work as well. One of its own is ended by a signal, and whoever cancels
    says how that went.
    """

    def wants_stop() -> bool:
        if run.cancel_path.exists():
            raise CancelledError
        return run.stop_path.exists()

    return wants_stop


def wait_and_execute(
    run: Run,
    resume: Path | None,
    work: Callable[[Run, Path | None], bool] = execute,
    hear: Callable[[Place], None] = lambda place: None,
    *,
    shared: bool = False,
) -> bool:
    """Wait for a device, do the `work` on it, release it; whether that ended well.

    `hear` is told the place in line whenever it changes, as the run's events are. `shared` is a process
    that has other work as well.
    """

    def say(place: Place) -> None:
        run.events.write(Phase, name="waiting", facts=place.to_dict())
        hear(place)

    def given_up() -> bool:
        return run.stop_path.exists() or (shared and run.cancel_path.exists())

    with taking_turns(run, given_up, say, partial(fits_beside, run)) as device:
        if device is not None:
            devices.use(device)
            return work(run, resume)
    _leave(run)
    return True


def work_here(run: Run, config: TrainConfig, hear: Callable[[Place], None]) -> bool:
    """Do a new run in this process, which has other work as well, in its turn; whether it ended well."""
    with hosting(run):
        try:
            work = partial(execute, config=config, shared=True)
            return wait_and_execute(run, None, work, hear, shared=True)
        except KeyboardInterrupt:
            if run.state() == "queued":
                tell_left(run)
            raise


def _leave(run: Run) -> None:
    """The run ends before it began. A full disk is waited for, unless somebody cancels that."""
    tell_left(run)
    _settle(run, run.cancel_path.exists)


def _told_to_end(run: Run) -> None:
    """SIGTERM means: save and stop. Where somebody cancelled the run, end at once."""
    if run.cancel_path.exists():
        raise SystemExit(CANCELLED)
    run.ask_to_stop()


def main(arguments: list[str]) -> int:
    run = Run(Path(arguments[0]))
    forgive_output()
    resume = Path(arguments[2]) if arguments[1:2] == ["--resume"] else None
    signal.signal(signal.SIGTERM, lambda *_: _told_to_end(run))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if not accept_charge(run):
        return 0
    if run.cancel_path.exists():  # somebody was faster than this process's first breath
        return CANCELLED
    with beating(run):
        tell_losses()
        return 0 if wait_and_execute(run, resume) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
