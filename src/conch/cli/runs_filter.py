"""The options of `conch runs list` that choose among the runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from conch.core.text import tr

if TYPE_CHECKING:
    from conch.runs import Run

STATES = ("queued", "running", "paused", "stopping", "stopped", "finished", "failed", "lost")
"""As `conch.runs.run.State`; a test holds the two together."""


def filters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--state --name --since --limit`."""
    for option in (
        click.option("--limit", type=click.IntRange(1), metavar="N", help=tr("cli.runs.limit")),
        click.option(
            "--since", "since_days", type=click.FloatRange(0), metavar="DAYS", help=tr("cli.runs.since")
        ),
        click.option("--name", metavar="PART", help=tr("cli.runs.named")),
        click.option("--state", type=click.Choice(STATES), help=tr("cli.runs.in_state")),
    ):
        function = option(function)
    return function


def chosen(**wanted: Any) -> list[Run]:
    """The runs that fit the options, newest first."""
    from conch.runs import list_runs
    from conch.runs.selection import select

    return select(list_runs(), now=time.time(), **wanted)
