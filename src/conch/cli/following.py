"""Following a run until it ends, and what Ctrl-C means meanwhile."""

from __future__ import annotations

import sys

import click

from conch.cli.output import whisper
from conch.cli.progress import Follower
from conch.core.text import tr
from conch.runs.run import Run


def watch(run: Run, *, offset: int = 0) -> int:
    """Show what happens in `run` until it ends; returns an exit code. Ctrl-C asks what is wanted."""
    while True:
        try:
            return _watch(run, offset)
        except KeyboardInterrupt:
            offset = run.events_path.stat().st_size
            if not _keep_watching(run):
                return 0


def _watch(run: Run, offset: int) -> int:
    with Follower() as follower:
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


def _keep_watching(run: Run) -> bool:
    """Do what the user wants: detach, stop and save, cancel, or watch on. Whether there is more to watch."""
    choice = _ask()
    if choice == "s":
        run.ask_to_stop()
        whisper(tr("cli.train.stopping"))
    if choice == "x":
        _cancel(run)
    if choice == "d":
        whisper(tr("cli.train.detached", run=run.id))
    return choice != "d"


def _ask() -> str:
    """`d`, `s`, `x` or `c`. A second Ctrl-C stops and saves; where nobody can answer, it is `d`."""
    whisper("")
    while sys.stdin is not None and sys.stdin.isatty():
        click.echo(tr("cli.train.ctrl_c"), nl=False, err=True)
        try:
            answer = input().strip().lower() or "d"
        except EOFError:
            return "d"
        except KeyboardInterrupt:
            return "s"
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
