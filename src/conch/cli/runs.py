"""`conch runs …`: everything about runs, whoever started them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from conch.cli.group import Group
from conch.cli.output import duration, emit, say, whisper
from conch.cli.runs_compare import compare_command
from conch.cli.runs_diagnose import diagnose_command
from conch.cli.runs_filter import chosen, filters
from conch.cli.runs_trash import empty_trash_command, restore_command
from conch.core.text import tr

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
    if as_json:
        emit([run.summary() for run in runs])
        return
    briefs = [run.brief() for run in runs]
    nothing = "cli.runs.none_fits" if any(wanted.values()) else "cli.runs.none"
    _table(briefs) if briefs else say(tr(nothing))


def _table(briefs: list[dict[str, Any]]) -> None:
    say(tr("cli.runs.columns"))
    for summary in briefs:
        progress, last = summary["progress"], summary["last"]
        steps = f"{progress['step']}/{progress['total_steps'] or '?'}"
        loss = f"{last['loss']:.3f}" if "loss" in last else "-"
        held_out = f"{last['eval_loss']:.3f}" if "eval_loss" in last else "-"
        name = "" if summary["name"] == summary["id"] else summary["name"]
        say(f"{summary['id']:<22} {summary['state']:<9} {steps:>11} {loss:>8} {held_out:>8}  {name}".rstrip())


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
    summary = find(name).summary()
    if as_json:
        emit(summary)
        return
    for key in ("id", "name", "state"):
        say(f"{tr(f'cli.runs.{key}')}: {summary[key]}")
    for key in ("created", "started", "ended"):
        if summary[key] is not None:
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(summary[key]))
            say(f"{tr(f'cli.runs.{key}')}: {moment}")
    progress = summary["progress"]
    say(f"{tr('cli.runs.progress')}: {progress['step']}/{progress['total_steps'] or '?'}")
    if progress["eta_seconds"] is not None:
        say(f"{tr('cli.runs.left')}: {duration(progress['eta_seconds'])}")
    for key, value in summary["last"].items():
        say(f"  {key}: {value}")
    say(f"{tr('cli.runs.output')}: {summary['output']}")
    for checkpoint in summary["checkpoints"]:
        say(f"  {checkpoint}")
    _told(summary)


def _told(summary: dict[str, Any]) -> None:
    """What there is to say about the run in words."""
    for message in summary["diagnosis"]:
        say(tr("cli.warning", message=message))
    if summary["error"]:
        say(tr("cli.error", message=summary["error"]["message"]))
        say(tr("cli.hint", hint=summary["error"]["hint"]))


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
    for line in [] if as_json else last:
        say(line)


@command.command("follow", help=tr("cli.runs.follow"))
@_run
@_json
def follow(name: str, as_json: bool) -> int:
    from conch.cli.following import watch
    from conch.runs import find

    run = find(name)
    code = watch(run)
    if as_json:
        emit(run.summary())
    return code


@command.command("stop", help=tr("cli.runs.stop"))
@_run
@_json
def stop(name: str, as_json: bool) -> int:
    from conch.core.errors import RunError
    from conch.runs import find
    from conch.runs.run import ENDED

    run = find(name)
    state = run.state()
    if state in ENDED or state == "queued":
        raise RunError("runs.not_busy", name=run.id, state=state)
    run.ask_to_stop()
    whisper(tr("cli.train.stopping"))
    while run.state() not in ENDED:
        time.sleep(0.2)
    emit(run.summary()) if as_json else say(tr("cli.runs.now", run=run.id, state=run.state()))
    return 0


@command.command("resume", help=tr("cli.runs.resume"))
@_run
@click.option("--checkpoint", type=click.Path(path_type=Path), help=tr("cli.runs.checkpoint"))
@click.option("--detach", is_flag=True, help=tr("cli.train.detach_help"))
@_json
def resume(name: str, checkpoint: Path | None, detach: bool, as_json: bool) -> int:
    from conch import submit
    from conch.cli.following import watch
    from conch.runs import find

    run = find(name)
    offset = run.events_path.stat().st_size
    found = submit.resume(run, checkpoint)
    whisper(tr("cli.runs.resuming", run=run.id, checkpoint=found))
    code = 0 if detach else watch(run, offset=offset)
    if as_json:
        emit(run.summary())
    return code


@command.command("remove", help=tr("cli.runs.remove"))
@_run
@_json
def remove(name: str, as_json: bool) -> None:
    from conch.runs import find
    from conch.runs.store import remove as remove_run

    run = find(name)
    remove_run(run)
    emit({"removed": run.id}) if as_json else say(tr("cli.runs.removed", run=run.id))
