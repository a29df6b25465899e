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
            follower.line(tr("cli.error", message=tr("runs.lost", name=run.id)), "red")
            follower.line(tr("cli.hint", hint=tr("runs.lost.fix", name=run.id, log=run.log_path)))
    return 0 if state in {"finished", "stopped"} else 1


def _keep_watching(run: Run) -> bool:
    """Do what the user wants: detach, stop and save, or watch on. Returns whether there is more to watch."""
    choice = _ask()
    if choice == "s":
        run.ask_to_stop()
        whisper(tr("cli.train.stopping"))
    if choice == "d":
        whisper(tr("cli.train.detached", run=run.id))
    return choice != "d"


def _ask() -> str:
    """`d`, `s` or `c`. A second Ctrl-C stops and saves; where nobody can answer, the run is left alone."""
    whisper("")
    while sys.stdin is not None and sys.stdin.isatty():
        click.echo(tr("cli.train.ctrl_c"), nl=False, err=True)
        try:
            answer = input().strip().lower() or "d"
        except EOFError:
            return "d"
        except KeyboardInterrupt:
            return "s"
        if answer in {"d", "s", "c"}:
            return answer
    return "d"
