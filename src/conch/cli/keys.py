"""`conch keys`: who may use the HTTP API, and for what."""

from __future__ import annotations

import time

import click

from conch.cli.group import Command, Group
from conch.cli.layout import columns
from conch.cli.output import emit, say
from conch.core.api_keys import SCOPES
from conch.core.text import tr

_json = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))


@click.group(cls=Group, help=tr("access.help"))
def command() -> None:
    pass


@command.command("create", cls=Command, help=tr("access.create"))
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    default=("infer",),
    show_default=True,
    help=tr("access.scope"),
)
@_json
def create_command(name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    from conch.core.api_keys import create

    key = create(name, scopes)
    if as_json:
        emit({"name": name, "scopes": list(scopes), "key": key})
        return
    say(tr("access.made", name=name, scopes=", ".join(scopes)))
    say(f"  {key}")


@command.command("list", cls=Command, help=tr("access.list"))
@_json
def list_command(as_json: bool) -> None:
    from conch.core.api_keys import list_keys

    keys = list_keys()
    if as_json:
        emit([key.to_dict() for key in keys])
    elif not keys:
        say(tr("access.none"))
    else:
        head = [tr(f"access.column.{name}") for name in ("name", "scopes", "created")]
        rows = [[key.name, ", ".join(key.scopes), _day(key.created)] for key in keys]
        for line in columns([head, *rows]):
            say(line)


@command.command("revoke", cls=Command, help=tr("access.revoke"))
@click.argument("name")
@_json
def revoke_command(name: str, as_json: bool) -> None:
    from conch.core.api_keys import revoke

    revoke(name)
    emit({"revoked": name}) if as_json else say(tr("access.revoked", name=name))


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
