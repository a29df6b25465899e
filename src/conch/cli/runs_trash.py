"""`conch runs restore` and `conch runs empty-trash`: removed runs come back, or go for good."""

from __future__ import annotations

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say, size
from conch.core.text import tr


@click.command("restore", cls=Command, help=tr("cli.runs.restore"))
@click.argument("name", metavar="RUN")
@json_option
def restore_command(name: str, as_json: bool) -> None:
    from conch.runs.trash import restore

    folder = restore(name)
    if as_json:
        emit({"restored": folder.name, "folder": str(folder)})
    else:
        say(tr("cli.runs.restored", run=folder.name))


@click.command("empty-trash", cls=Command, help=tr("cli.runs.empty_trash"))
@json_option
def empty_trash_command(as_json: bool) -> None:
    from conch.runs.trash import empty

    emptied = empty()
    if as_json:
        emit({"deleted": emptied.runs, "bytes": emptied.bytes})
    else:
        say(tr("cli.runs.emptied", count=emptied.runs, size=size(emptied.bytes)))
