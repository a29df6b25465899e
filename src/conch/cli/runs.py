"""`conch runs …`: everything about runs, whoever started them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from conch.cli.common import json_option
from conch.cli.group import Group
from conch.cli.layout import columns
from conch.cli.output import emit, in_words, say, whisper
from conch.cli.runs_compare import compare_command
from conch.cli.runs_control import cancel_command, save_command, stop_command
from conch.cli.runs_diagnose import diagnose_command
from conch.cli.runs_filter import chosen, filters
from conch.cli.runs_options import run_argument
from conch.cli.runs_resume import resume_command
from conch.cli.runs_trash import empty_trash_command, restore_command
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.runs import Run


@click.group(cls=Group, help=tr("cli.runs"))
def command() -> None:
    pass


PARTS = (
    *(stop_command, cancel_command, save_command, resume_command),
    *(diagnose_command, compare_command, restore_command, empty_trash_command),
)
for _part in PARTS:
    command.add_command(_part)


@command.command("list", help=tr("cli.runs.list"))
@filters
@json_option
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
@run_argument
@click.option("--samples", is_flag=True, help=tr("cli.runs.samples"))
@json_option
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
@run_argument
@click.option(
    "--lines", "-n", default=50, show_default=True, type=click.IntRange(1), help=tr("cli.runs.lines")
)
@json_option
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
@run_argument
@json_option
def follow(name: str, as_json: bool) -> int:
    from conch.cli.following import tell_next, watch
    from conch.runs import find

    run = find(name)
    code = watch(run)
    emit(run.summary()) if as_json else tell_next(run)
    return code


@command.command("move", help=tr("cli.runs.move"))
@run_argument
@click.option("--first", is_flag=True, help=tr("cli.runs.first"))
@click.option("--before", metavar="RUN", help=tr("cli.runs.before"))
@click.option("--last", is_flag=True, help=tr("cli.runs.last"))
@json_option
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
@run_argument
@json_option
def remove(name: str, as_json: bool) -> None:
    from conch.core.errors import UsageError
    from conch.runs import find
    from conch.runs.store import remove as remove_run

    run = find(name)
    if name not in (run.id, run.flat_config().get("run_name")):
        raise UsageError("cli.runs.not_exact", name=name, run=run.id)
    remove_run(run)
    emit({"removed": run.id}) if as_json else say(tr("cli.runs.removed", run=run.id))
