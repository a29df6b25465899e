"""`conch runs …`: everything about runs, whoever started them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch.cli.group import Group
from conch.cli.layout import columns
from conch.cli.output import emit, how_it_stopped, in_words, say, whisper
from conch.cli.runs_compare import compare_command
from conch.cli.runs_diagnose import diagnose_command
from conch.cli.runs_filter import chosen, filters
from conch.cli.runs_trash import empty_trash_command, restore_command
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.runs import Run
    from conch.submit import Plan

_json = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
_run = click.argument("name", metavar="RUN")


@click.group(cls=Group, help=tr("cli.runs"))
def command() -> None:
    pass


for _part in (diagnose_command, compare_command, restore_command, empty_trash_command):
    command.add_command(_part)


@command.command("list", help=tr("cli.runs.list"))
@filters
@_json
def list_command(as_json: bool, **wanted: Any) -> None:
    runs = chosen(**wanted)
    _notice_losses(runs)
    if as_json:
        emit([run.summary() for run in runs])
        return
    briefs = [run.brief() for run in runs]
    nothing = "cli.runs.none_fits" if any(wanted.values()) else "cli.runs.none"
    _table(briefs) if briefs else say(tr(nothing))


def _notice_losses(runs: list[Run]) -> None:
    """Whoever looks first at a run that was lost has those told whom its config names."""
    lost = [run for run in runs if run.state() == "lost"]
    if lost:
        from conch.runs.notify.lost import tell_if_lost

        for run in lost:
            tell_if_lost(run)


COLUMNS = ("run", "state", "steps", "loss", "eval", "name")


def _table(briefs: list[dict[str, Any]]) -> None:
    from conch.runs.run import told

    rows = [[tr(f"cli.runs.column.{name}") for name in COLUMNS]]
    waiting = _places() if any(brief["state"] == "queued" for brief in briefs) else {}
    for summary in briefs:
        progress, last = summary["progress"], summary["last"]
        steps = f"{progress['step']}/{progress['total_steps'] or '?'}"
        loss = f"{last['loss']:.3f}" if "loss" in last else "-"
        held_out = f"{last['eval_loss']:.3f}" if "eval_loss" in last else "-"
        name = "" if summary["name"] == summary["id"] else summary["name"]
        words = "  ".join(word for word in (name, waiting.get(summary["id"], "")) if word)
        rows.append([summary["id"], told(summary["state"]), steps, loss, held_out, words])
    for line in columns(rows, right={2, 3, 4}):
        say(line)


def _places() -> dict[str, str]:
    """What each waiting run waits for, in words."""
    from conch.runs.queue import places

    return {
        run_id: in_words(place.device, place.position, place.behind) for run_id, place in places().items()
    }


@command.command("show", help=tr("cli.runs.show"))
@_run
@click.option("--samples", is_flag=True, help=tr("cli.runs.samples"))
@_json
def show(name: str, samples: bool, as_json: bool) -> None:
    from conch.runs import find

    if samples:
        from conch.cli.runs_samples import show_samples

        show_samples(find(name), as_json=as_json)
        return
    run = find(name)
    _notice_losses([run])
    summary = run.summary()
    if as_json:
        emit(summary)
        return
    from conch.cli.runs_show import show_run

    show_run(summary)


@command.command("logs", help=tr("cli.runs.logs"))
@_run
@click.option(
    "--lines", "-n", default=50, show_default=True, type=click.IntRange(1), help=tr("cli.runs.lines")
)
@_json
def logs(name: str, lines: int, as_json: bool) -> None:
    from conch.runs import find

    run = find(name)
    text = run.log_path.read_text(encoding="utf-8", errors="replace") if run.log_path.is_file() else ""
    last = text.splitlines()[-lines:]
    if as_json:
        emit({"id": run.id, "lines": last})
    elif not last:
        whisper(tr("cli.runs.no_log", run=run.id))
    for line in [] if as_json else last:
        say(line)


@command.command("follow", help=tr("cli.runs.follow"))
@_run
@_json
def follow(name: str, as_json: bool) -> int:
    from conch.cli.following import tell_next, watch
    from conch.runs import find

    run = find(name)
    code = watch(run)
    emit(run.summary()) if as_json else tell_next(run)
    return code


@command.command("stop", help=tr("cli.runs.stop"))
@_run
@_json
def stop(name: str, as_json: bool) -> int:
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


@command.command("cancel", help=tr("cli.runs.cancel"))
@_run
@_json
def cancel(name: str, as_json: bool) -> int:
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


@command.command("save", help=tr("cli.runs.save"))
@_run
@_json
def save(name: str, as_json: bool) -> int:
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


@command.command("resume", help=tr("cli.runs.resume"))
@_run
@click.option("--checkpoint", type=click.Path(path_type=Path), help=tr("cli.runs.checkpoint"))
@click.option("--epochs", type=click.FloatRange(0, min_open=True), help=tr("cli.runs.epochs"))
@click.option("--max-steps", type=click.IntRange(1), help=tr("cli.runs.max_steps"))
@click.option("--force", is_flag=True, help=tr("cli.runs.force"))
@click.option("--detach", is_flag=True, help=tr("cli.train.detach_help"))
@_json
def resume(name: str, checkpoint: Path | None, detach: bool, as_json: bool, **how: Any) -> int:
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


@command.command("move", help=tr("cli.runs.move"))
@_run
@click.option("--first", is_flag=True, help=tr("cli.runs.first"))
@click.option("--before", metavar="RUN", help=tr("cli.runs.before"))
@click.option("--last", is_flag=True, help=tr("cli.runs.last"))
@_json
def move(name: str, first: bool, before: str | None, last: bool, as_json: bool) -> None:
    from conch.core.errors import UsageError
    from conch.runs import find, queue

    if first + bool(before) + last != 1:
        raise UsageError("cli.runs.move_where")
    run = find(name)
    place = queue.move(run, first=first, before=find(before) if before else None)
    words = in_words(place.device, place.position, place.behind)
    emit({"id": run.id, **place.to_dict()}) if as_json else say(tr("cli.runs.moved", run=run.id, place=words))


@command.command("remove", help=tr("cli.runs.remove"))
@_run
@_json
def remove(name: str, as_json: bool) -> None:
    from conch.core.errors import UsageError
    from conch.runs import find
    from conch.runs.store import remove as remove_run

    run = find(name)
    if name not in (run.id, run.flat_config().get("run_name")):
        raise UsageError("cli.runs.not_exact", name=name, run=run.id)
    remove_run(run)
    emit({"removed": run.id}) if as_json else say(tr("cli.runs.removed", run=run.id))
