"""What all commands about one run take."""

from __future__ import annotations

import click

from conch.core.text import tr

json_option = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
run_argument = click.argument("name", metavar="RUN")
