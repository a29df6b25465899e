"""`conch train`: check, submit, follow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.core.errors import UsageError
from conch.core.files import expanded
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.config.load import Loaded


@click.command(
    cls=Command,
    help=tr("cli.train"),
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "allow_interspersed_args": True,
    },
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[CONFIG.yaml] [KEY=VALUE]...")
@click.option("--from", "source", metavar="RUN", help=tr("cli.train.from_help"))
@click.option("--apply", "fixes", metavar="FIX", multiple=True, help=tr("cli.train.apply_help"))
@click.option("--detach", is_flag=True, help=tr("cli.train.detach_help"))
@click.option("--dry-run", is_flag=True, help=tr("cli.train.dry_run_help"))
@click.option("--request-id", metavar="ID", help=tr("cli.train.request_id_help"))
@json_option
def command(
    words: tuple[str, ...],
    source: str | None,
    fixes: tuple[str, ...],
    detach: bool,
    dry_run: bool,
    request_id: str | None,
    as_json: bool,
) -> int:
    loaded = load(words, source, fixes)
    for warning in loaded.warnings:
        whisper(tr("cli.warning", message=warning))
    if dry_run:
        from conch.cli.plan import show_plan

        show_plan(loaded, as_json=as_json)
        return 0

    from conch.cli.following import tell_next, watch
    from conch.submit import submit

    run = submit(loaded.config, request_id)
    if detach:
        emit({"id": run.id, "folder": str(run.folder)}) if as_json else say(
            tr("cli.train.started", run=run.id)
        )
        return 0
    whisper(tr("cli.train.run", run=run.id, folder=run.folder))
    code = watch(run)
    emit(run.summary()) if as_json else tell_next(run)
    return code


def load(words: tuple[str, ...], source: str | None, fixes: tuple[str, ...]) -> Loaded:
    """The settings asked for: of a file and words, or of a run and changes to it."""
    if source is not None or fixes:
        from conch.cli.follow_up import load_follow_up

        return load_follow_up(source, fixes, words)
    from conch.config.load import load_train

    file, rest = split_words(words)
    if not words:
        raise UsageError("config.nothing")
    return load_train(file, rest)


def split_words(words: tuple[str, ...]) -> tuple[Path | None, list[str]]:
    """The config file, if the first word is one, and the overrides."""
    if words and not words[0].startswith("--") and "=" not in words[0]:
        return expanded(words[0]), list(words[1:])
    return None, list(words)
