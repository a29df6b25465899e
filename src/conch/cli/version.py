"""`conch version`"""

from __future__ import annotations

import click

from conch import __version__
from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say
from conch.core.text import tr


@click.command(cls=Command, help=tr("cli.version"))
@json_option
def command(as_json: bool) -> None:
    if as_json:
        emit({"version": __version__})
    else:
        say(f"conch {__version__}")
