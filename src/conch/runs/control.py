"""Telling a run what to do: stop and save, save and go on, or end now. Each waits until it is so."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from conch.core.errors import RunError
from conch.core.events import Checkpoint, Failed, Finished, Metrics, Stopped
from conch.runs import queue
from conch.runs.claim import sweep
from conch.runs.devices import pool_of
from conch.runs.launch import MARK
from conch.runs.process import Worker
from conch.runs.reserve import Reserve
from conch.runs.run import ENDED, Run, told
from conch.runs.summary import open_log

GRACE_SECONDS = 5.0
"""From asking a process to end to ending it."""
KILL_SECONDS = 10.0
EXIT_SECONDS = 30.0
"""How long a worker may take to exit once its run has ended."""
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Standing:
    """How far a run is: the last step told, of how many, and the newest checkpoint that was told."""

    step: int
    total_steps: int | None
    checkpoint: Checkpoint | None


def standing(run: Run) -> Standing:
    with open_log(run.events_path) as log:
        last, checkpoint = log.last(Metrics), log.last(Checkpoint)
    if checkpoint is not None and not Path(checkpoint.path).is_dir():
        checkpoint = None
    return Standing(last.step if last else 0, last.total_steps if last else None, checkpoint)


def ask_to_stop(run: Run) -> None:
    """Let the worker save after the step in hand and end. Raises RunError where none is at work."""
    _require_worker(run)
    run.ask_to_stop()


def await_end(run: Run) -> int:
    """Wait until the run has ended and nothing of it runs; returns how many stragglers had to be ended."""
    while run.state() not in ENDED:
        time.sleep(PAUSE_SECONDS)
    worker = run.worker()
    if worker and worker.shared:
        return 0
    end = time.monotonic() + EXIT_SECONDS
    while worker and worker.is_here() and worker.is_alive() and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS)
    return end_processes(run) if worker and worker.is_here() else 0


def cancel(run: Run, grace: float = GRACE_SECONDS) -> int:
    """End the run now, without saving; returns how many processes were ended.

    A process that has other work as well is not ended: it leaves the run after the step in hand.
    Raises RunError where nothing is at work, or where a process can't be ended.
    """
    worker = _require_worker(run)
    if not worker.is_here():
        raise RunError("runs.elsewhere", name=run.id, host=worker.host)
    run.cancel_path.touch()
    if worker.shared:
        return await_end(run)
    ended = end_processes(run, grace)
    _clear(run)
    if not isinstance(run.turn(), (Finished, Failed, Stopped)):  # it may have ended by itself just before
        tell_left(run)  # on a full disk that leaves no room for this, the cancel file says it
    Reserve.of(run.folder).clear()
    return ended


def tell_left(run: Run) -> None:
    """Tell that the run ends without saving, or before it began. What was saved before stays."""
    now = standing(run)
    run.events.write(Stopped, step=now.step, checkpoint=now.checkpoint and now.checkpoint.path)


def _clear(run: Run) -> None:
    """Take away what the ended process can't: its ticket, its claim, its wishes."""
    queue.leave(run)
    sweep(pool_of(run.flat_config()).folder)
    run.save_path.unlink(missing_ok=True)
    run.stop_path.unlink(missing_ok=True)


def end_processes(run: Run, grace: float = GRACE_SECONDS) -> int:
    """End every process of the run: SIGTERM, SIGKILL after `grace` seconds, and a look that none is left."""
    ended: set[int] = set()
    for ask, patience in ((psutil.Process.terminate, grace), (psutil.Process.kill, KILL_SECONDS)):
        end = time.monotonic() + patience
        asked: set[int] = set()
        while found := members(run):
            ended |= {process.pid for process in found}
            _ask(ask, (process for process in found if process.pid not in asked))
            asked |= {process.pid for process in found}
            if time.monotonic() > end:
                break
            psutil.wait_procs(found, timeout=PAUSE_SECONDS)
        else:
            return len(ended)
    left = members(run)
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise RunError("runs.not_ended", name=run.id, pids=pids)
    return len(ended)


def _ask(ask: Callable[[psutil.Process], None], processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        try:
            ask(process)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied:  # it will be named among those that are left
            continue


def members(run: Run) -> list[psutil.Process]:
    """Every living process of the run: the worker, its session, its descendants, and what bears its mark.

    The mark is a variable in the environment that children inherit: it finds those whose parent is
    gone and that began a session of their own.
    """
    worker = run.worker()
    own = worker is not None and worker.is_here() and not (worker.starting or worker.shared)
    leader = worker.pid if worker is not None and own and worker.is_alive() else None
    spared = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in spared and _belongs(process, run, leader)
    ]


def _belongs(process: psutil.Process, run: Run, leader: int | None) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if leader is not None and leader in (process.pid, _session(process.pid)):
            return True
        return process.environ().get(MARK) == str(run.folder)
    except (psutil.Error, OSError):
        return False


def _session(pid: int) -> int | None:
    return os.getsid(pid) if hasattr(os, "getsid") else None


def save_now(run: Run, until: Callable[[], bool] = lambda: False) -> Checkpoint | None:
    """Let the worker save a checkpoint and go on; returns it, or None where the run ended before."""
    if run.state() != "running":
        raise RunError("runs.not_busy", name=run.id, state=run.told_state())
    offset = run.events_path.stat().st_size
    run.ask_to_save()
    for event in run.follow(offset):
        if isinstance(event, Checkpoint):
            return event
        if until():
            break
    run.save_path.unlink(missing_ok=True)
    return None


def _require_worker(run: Run) -> Worker:
    state, worker = run.state(), run.worker()
    if state in ENDED or worker is None:
        raise RunError("runs.not_busy", name=run.id, state=told(state))
    return worker
