"""`conch runs stop`, `cancel` and `save`: each says what it will do, does it, and says what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, how_it_stopped, say, whisper
from conch.cli.runs_options import run_argument
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.runs import Run


@click.command("stop", cls=Command, help=tr("cli.runs.stop"))
@run_argument
@json_option
def stop_command(name: str, as_json: bool) -> int:
    from conch.core.events import Stopped
    from conch.runs import control, find

    run = find(name)
    now = control.standing(run)
    queued = run.state() == "queued"
    control.ask_to_stop(run)
    will = "cli.runs.will_leave" if queued else "cli.runs.will_stop"
    whisper(tr(will, run=run.id, step=now.step, total=now.total_steps or "?"))
    control.await_end(run)
    end = run.turn()
    if not queued and isinstance(end, Stopped):
        whisper(how_it_stopped(end))
    return _tell_end(run, as_json)


@click.command("cancel", cls=Command, help=tr("cli.runs.cancel"))
@run_argument
@json_option
def cancel_command(name: str, as_json: bool) -> int:
    from conch.runs import control, find

    run = find(name)
    now = control.standing(run)
    kept = now.checkpoint.path if now.checkpoint else None
    will = "cli.runs.will_cancel" if kept else "cli.runs.will_cancel_bare"
    whisper(tr(will, run=run.id, step=now.step, total=now.total_steps or "?", checkpoint=kept))
    ended = control.cancel(run)
    whisper(tr("cli.runs.cancelled", run=run.id, count=ended))
    return _tell_end(run, as_json)


def _tell_end(run: Run, as_json: bool) -> int:
    if as_json:
        emit(run.summary())
        return 0
    from conch.cli.following import tell_next

    say(tr("cli.runs.now", run=run.id, state=run.told_state()))
    tell_next(run)
    return 0


@click.command("save", cls=Command, help=tr("cli.runs.save"))
@run_argument
@json_option
def save_command(name: str, as_json: bool) -> int:
    from conch.core.errors import RunError
    from conch.runs import control, find

    run = find(name)
    now = control.standing(run)
    if run.state() == "running":
        whisper(tr("cli.runs.will_save", run=run.id, step=now.step, total=now.total_steps or "?"))
    saved = control.save_now(run)
    if saved is None:
        raise RunError("runs.not_saved", name=run.id, state=run.told_state())
    emit({"id": run.id, "step": saved.step, "checkpoint": saved.path}) if as_json else say(
        tr("cli.train.checkpoint", step=saved.step, path=saved.path)
    )
    return 0
