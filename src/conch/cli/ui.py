"""`conch ui`: the studio in the browser, and the API beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.core import env
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.server.run import Opened


@click.command(cls=Command, help=tr("cli.ui"))
@click.option("--host", default="127.0.0.1", show_default=True, help=tr("serving.cli.host"))
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help=tr("serving.cli.port")
)
@click.option("--api-key", help=tr("serving.cli.api_key"))
@click.option("--json", "as_json", is_flag=True, help=tr("serving.cli.json"))
def command(host: str, port: int, api_key: str | None, as_json: bool) -> None:
    from conch.config import ServeConfig, build

    given = env.api_key() if api_key is None else api_key
    config = build(ServeConfig, {"model": "-", "host": host, "port": port, "api_key": given})

    from conch.webui.run import serve

    serve(config, _announce_json if as_json else _announce)
    whisper(tr("studio.stopped"))


def _announce(opened: Opened) -> None:
    """Where the studio is. The link carries the key where the studio made it itself."""
    query = f"/?key={opened.made_key}" if opened.made_key else ""
    say(tr("studio.ready", url=f"{opened.url}{query}"))
    if opened.network:
        say(tr("studio.open", url=f"{opened.network}{query}"))
    if opened.key and not opened.made_key:
        say(tr("studio.with_key"))
    whisper(tr("serving.how_to_stop"))


def _announce_json(opened: Opened) -> None:
    emit({"url": opened.url, "network": opened.network, "api_key": opened.made_key})
