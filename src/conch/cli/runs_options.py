"""What all commands about one run take."""

from __future__ import annotations

import click

run_argument = click.argument("name", metavar="RUN")
