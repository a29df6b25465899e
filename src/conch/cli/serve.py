"""`conch serve MODEL`: the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.server.run import Opened


@click.command(cls=Command, help=tr("cli.serve"))
@click.argument("model")
@click.option("--adapter", "adapters", multiple=True, metavar="NAME=PATH", help=tr("serving.cli.adapter"))
@click.option("--host", default="127.0.0.1", show_default=True, help=tr("serving.cli.host"))
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help=tr("serving.cli.port")
)
@click.option("--name", help=tr("serving.cli.name"))
@click.option("--api-key", help=tr("serving.cli.api_key"))
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "transformers"]),
    expose_value=False,  # there is one engine yet; the word is checked, so that scripts can name it
    help=tr("serving.cli.engine"),
)
@click.option("--json", "as_json", is_flag=True, help=tr("serving.cli.json"))
def command(
    model: str,
    adapters: tuple[str, ...],
    host: str,
    port: int,
    name: str | None,
    api_key: str | None,
    as_json: bool,
) -> None:
    from conch.config.serve import ServeConfig

    named = _named(adapters)
    config = ServeConfig(model=model, adapters=named, name=name, host=host, port=port, api_key=api_key)

    from conch.server.run import serve

    serve(config, _announce_json if as_json else _announce, whisper)
    whisper(tr("serving.stopped"))


def _named(adapters: tuple[str, ...]) -> dict[str, str]:
    """`NAME=PATH` words as a table. Raises UsageError."""
    from conch.core.errors import UsageError

    named: dict[str, str] = {}
    for word in adapters:
        name, equals, path = word.partition("=")
        if not (name and equals and path):
            raise UsageError("serving.bad_adapter", word=word)
        if name in named:
            raise UsageError("serving.same_name", name=name)
        named[name] = path
    return named


def _announce(opened: Opened) -> None:
    """Where the server is, and one request to try."""
    say(tr("serving.ready", url=opened.url, models=", ".join(opened.models)))
    query, header = "", ""
    if opened.made_key:
        say(tr("serving.made_key", key=opened.made_key))
        query, header = f"?key={opened.made_key}", f" -H 'Authorization: Bearer {opened.made_key}'"
    elif opened.key:
        header = f" -H 'Authorization: Bearer {tr('serving.your_key')}'"
    say(tr("serving.see_docs", url=f"{opened.url}/docs{query}"))
    say(tr("serving.try"))
    say(f"  curl{header} '{opened.url}/generate?prompt=Hello'")
    whisper(tr("serving.how_to_stop"))


def _announce_json(opened: Opened) -> None:
    emit({"url": opened.url, "models": list(opened.models), "api_key": opened.made_key})
