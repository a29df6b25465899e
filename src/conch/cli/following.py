"""Following a run until it ends, what Ctrl-C means meanwhile, and what can be done next."""

from __future__ import annotations

import sys

import click

from conch.cli.output import say, whisper
from conch.cli.progress import Follower
from conch.core.text import tr
from conch.runs.run import ENDED, Run


def watch(run: Run, *, offset: int = 0) -> int:
    """Show what happens in `run` until it ends; returns an exit code. Ctrl-C asks what is wanted."""
    follower = Follower()
    while True:
        try:
            return _watch(run, offset, follower)
        except KeyboardInterrupt:
            offset = run.events_path.stat().st_size
            if not _interrupted(run):
                return 0


def _watch(run: Run, offset: int, follower: Follower) -> int:
    with follower:
        for event in run.follow(offset):
            follower.show(event)
        state = run.state()
        if state == "lost":
            from conch.runs.notify.lost import tell_if_lost  # few runs are

            tell_if_lost(run)
            cause = run.lost()
            follower.line(tr("cli.error", message=cause.message), "red")
            follower.line(tr("cli.hint", hint=cause.hint))
    return 0 if state in {"finished", "stopped"} else 1


def tell_next(run: Run) -> None:
    """What can be done with a run that has ended."""
    state = run.state()
    if state == "finished" and not run.config().output.trains():
        say(tr("cli.train.predicted_next", output=run.output))
    elif state == "finished":
        say(tr("cli.train.next", run=run.id, output=run.output))
    elif state == "stopped":
        say(tr("cli.runs.to_resume", run=run.id))
        saved = run.checkpoints()
        if saved:
            say(tr("cli.runs.to_try", checkpoint=saved[-1]))


def _interrupted(run: Run) -> bool:
    """Ask, and do it; one more Ctrl-C, wherever it comes, stops and saves. Whether there is more to watch."""
    try:
        return _keep_watching(run)
    except KeyboardInterrupt:
        _stop(run)
        return True


def _keep_watching(run: Run) -> bool:
    """Do what the user wants: detach, stop and save, cancel, or watch on. Whether there is more to watch."""
    choice = _ask(stopping=run.state() == "stopping")
    state = run.state()
    if state in ENDED:
        return True  # how it ended is still to be shown
    if choice == "s":
        _stop(run)
    if choice == "x":
        _cancel(run)
    if choice == "d":
        stopping = "_stopping" if state == "stopping" else ""
        whisper(tr(f"cli.train.detached{stopping}", run=run.id))
    return choice != "d"


def _stop(run: Run) -> None:
    run.ask_to_stop()
    whisper(tr("cli.train.stopping"))


def _ask(*, stopping: bool) -> str:
    """`d`, `s`, `x` or `c`; where nobody can answer, it is `d`.

    A second Ctrl-C stops and saves. Where the run is stopping already, it detaches.
    """
    whisper("")
    question = tr("cli.train.ctrl_c_stopping" if stopping else "cli.train.ctrl_c")
    while sys.stdin is not None and sys.stdin.isatty():
        click.echo(question, nl=False, err=True)
        try:
            answer = input().strip().lower() or "d"
        except EOFError:
            return "d"
        except KeyboardInterrupt:
            whisper("")
            return "d" if stopping else "s"
        if answer in {"d", "s", "x", "c"}:
            return answer
    return "d"


def _cancel(run: Run) -> None:
    """End the run without saving, unless it has just ended by itself."""
    from conch.core.errors import RunError
    from conch.runs import control

    try:
        ended = control.cancel(run)
    except RunError as error:
        whisper(tr("cli.warning", message=error.message))
    else:
        whisper(tr("cli.runs.cancelled", run=run.id, count=ended))
