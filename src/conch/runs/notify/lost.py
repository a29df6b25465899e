"""A lost run has no worker that could tell of its end: whoever notices it has it told, and it is told once.

    RUN/told-NONCE    the loss of the worker NONCE is told, or being told, by who made this file

Who notices may be a command that answers at once, so telling takes a process of its own,
`python -m conch.runs.notify RUN`. Making the file is one step: of all such processes one tells.
The run's `after_command` is not for a run that was lost, and whoever looks at runs must never set it off.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path

from conch.core import env
from conch.core.text import tr
from conch.runs import store
from conch.runs.claim import create
from conch.runs.launch import MARK
from conch.runs.notify.message import Message, message_of
from conch.runs.notify.telling import tell
from conch.runs.repeating import every
from conch.runs.run import ENDED, Run

LOOK_AGAIN_SECONDS = 1.0
"""Whoever takes a lost run over removes the dead worker's record first: one look could be mistaken."""
WATCH_SECONDS = 60.0


def told_path(run: Run) -> Path:
    worker = run.worker()
    return run.folder / f"told-{worker.nonce if worker and worker.nonce else 'none'}"


def tell_if_lost(run: Run) -> bool:
    """Start a process that tells of the loss, where there is one that nobody was told of. Never waits."""
    if run.state() != "lost" or told_path(run).exists() or not run.flat_config().get("notify"):
        return False
    with suppress(OSError), run.log_path.open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "conch.runs.notify", str(run.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=run.folder,
            env=env.child_environment(CONCH_HOME=str(env.home()), **{MARK: ""}),
        )
        return True
    return False


def tell_loss(run: Run, pause: float = LOOK_AGAIN_SECONDS) -> bool:
    """Tell of the loss in this process, unless it isn't one or another does; whether it was told here."""
    told = told_path(run)
    time.sleep(pause)
    if run.state() != "lost" or told_path(run) != told:
        return False
    if not create(told, str(os.getpid())):
        return False
    tell(run, message_of_loss)
    return True


def message_of_loss(run: Run) -> Message:
    """The message of the run, and that its machine was not shut down if that was to be."""
    message = message_of(run)
    if not run.flat_config().get("after_command"):
        return message
    return replace(message, text=f"{message.text}\n{tr('notify.lost_no_command')}")


class Watch:
    """Looks at all runs, again and again. What has ended otherwise is not read twice."""

    def __init__(self) -> None:
        self._settled: dict[Run, int] = {}

    def look(self) -> None:
        for run in store.list_runs():
            with suppress(OSError):  # a run that can't be read keeps nobody from the others
                self._look_at(run)

    def _look_at(self, run: Run) -> None:
        changed = _changed(run)
        if self._settled.get(run) != changed and run.state() in ENDED:
            tell_if_lost(run)
            self._settled[run] = changed


def _changed(run: Run) -> int:
    try:
        return run.events_path.stat().st_mtime_ns
    except OSError:
        return 0


def tell_losses() -> None:
    """Have every loss told that nobody was told of."""
    Watch().look()


def watching(seconds: float = WATCH_SECONDS) -> AbstractContextManager[None]:
    """Look for lost runs every `seconds` within, in a thread."""
    return every(seconds, Watch().look, "losses")
