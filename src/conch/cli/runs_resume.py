"""`conch runs resume`: what will be done is told before it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, whisper
from conch.cli.runs_options import run_argument
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.submit import Plan


@click.command("resume", cls=Command, help=tr("cli.runs.resume"))
@run_argument
@click.option("--checkpoint", type=click.Path(path_type=Path), help=tr("cli.runs.checkpoint"))
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help=tr("cli.runs.epochs"))
@click.option("--max-steps", type=click.IntRange(1), help=tr("cli.runs.max_steps"))
@click.option("--force", is_flag=True, help=tr("cli.runs.force"))
@click.option("--detach", is_flag=True, help=tr("cli.train.detach_help"))
@json_option
def resume_command(name: str, checkpoint: Path | None, detach: bool, as_json: bool, **how: Any) -> int:
    from conch import submit
    from conch.cli.following import tell_next, watch
    from conch.runs import find

    run = find(name)
    offset = run.events_path.stat().st_size
    plan = submit.plan_resume(run, checkpoint, **how)
    _tell_plan(plan)
    submit.carry_out(plan)
    if detach:
        whisper(tr("cli.runs.queued", run=run.id))
    code = 0 if detach else watch(run, offset=offset)
    if as_json:
        emit(run.summary())
    elif not detach:
        tell_next(run)
    return code


def _tell_plan(plan: Plan) -> None:
    """What resuming will do, before it is done."""
    from conch.submit import describe

    run = plan.run
    if plan.checkpoint is None:
        whisper(tr("cli.runs.beginning", run=run.id))
    else:
        whisper(tr("cli.runs.resuming", run=run.id, checkpoint=plan.checkpoint, step=plan.step))
    for key, value in plan.changes.items():
        whisper(tr("cli.runs.changing", key=key, before=run.flat_config().get(key), now=value))
    if plan.differences:
        whisper(tr("cli.runs.in_spite", differences=describe(plan.differences)))
