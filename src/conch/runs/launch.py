"""Starting a run's worker as a process of its own, which outlives whoever started it.

Whoever starts a worker takes charge of the run first, and hands it over to the worker: so of two who
start one run at the same moment, one is refused. A worker whose starter died in between takes charge
by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from conch.core import env
from conch.core.errors import RunError
from conch.runs import queue
from conch.runs.claim import acquire, read, sweep
from conch.runs.repeating import every
from conch.runs.run import Run

BEAT_SECONDS = 5.0
HANDOVER_SECONDS = 30.0
MARK = "CONCH_RUN"
"""Variable in the environment of a worker and of all that it starts: the run's folder."""


@contextmanager
def in_charge(run: Run) -> Iterator[bool]:
    """Be the one who starts the run's worker within; False where somebody else is, or a worker lives.

    Where the block fails, the run is given up again.
    """
    if acquire(run.worker_path, starting=True) is None:
        yield False
        return
    try:
        yield True
    except BaseException:
        queue.leave(run)
        run.worker_path.unlink(missing_ok=True)
        raise


def launch(run: Run, *arguments: str, secrets: Mapping[str, str] | None = None) -> int:
    """Put the run in line and start `python -m conch.worker RUN`; returns its pid.

    The worker has its own session, and its output goes to `log.txt`. `secrets`, such as a hub's
    token, go by the environment, since a run's config holds none. The caller is in charge of the run.
    """
    queue.enqueue(run)
    command = [sys.executable, "-m", "conch.worker", str(run.folder), *arguments]
    with run.log_path.open("ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=run.folder,  # first on the module path with `-m`: the user's own files must not be
            env=env.child_environment(
                CONCH_HOME=str(env.home()),
                PYTHONUNBUFFERED="1",
                PYTHONFAULTHANDLER="1",
                **{MARK: str(run.folder)},
                **env.tensor_malloc(),
                **(secrets or {}),
            ),
        )
    run.claim(process.pid, log_bytes=begin)
    return process.pid


def accept_charge(run: Run) -> bool:
    """In the worker: wait until the run is handed over; False where another process has it."""
    end = time.monotonic() + HANDOVER_SECONDS
    while time.monotonic() < end:
        held = read(run.worker_path)
        if held is not None and held.worker is not None and held.worker.pid == os.getpid():
            break
        if held is not None and held.is_alive() and not (held.worker and held.worker.starting):
            return False
        if (held is None or not held.is_alive()) and acquire(run.worker_path) is not None:
            run.claim(os.getpid())  # whoever started this process died before it could say so
            break
        time.sleep(0.01)
    else:
        return False
    sweep(run.folder)
    return True


@contextmanager
def hosting(run: Run) -> Iterator[None]:
    """Be the run's worker within, in a process that has other work as well and lives on afterwards.

    Raises RunError where somebody else is in charge.
    """
    with in_charge(run) as mine:
        if not mine:
            raise refuse_busy(run)
        queue.enqueue(run)
        run.claim(os.getpid(), shared=True)
    try:
        with beating(run):
            yield
    finally:
        run.worker_path.unlink(missing_ok=True)


def refuse_busy(run: Run) -> RunError:
    return RunError("runs.busy", name=run.id, state=run.told_state())


def beating(run: Run) -> AbstractContextManager[None]:
    """Touch the run's heartbeat every few seconds within."""
    return every(BEAT_SECONDS, run.heartbeat_path.touch, "heartbeat")
