"""`conch runs compare`: settings that differ, figures side by side, curves in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conch.cli.common import json_option
from conch.cli.figures import figure
from conch.cli.group import Command
from conch.cli.layout import columns
from conch.cli.output import emit, plain, say
from conch.core.files import expanded
from conch.core.text import tr

LONGEST = 40
"""Places that one cell may take."""


@click.command("compare", cls=Command, help=tr("cli.runs.compare"))
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help=tr("cli.runs.png"))
@json_option
def compare_command(names: tuple[str, ...], png: Path | None, as_json: bool) -> None:
    from conch.core.errors import UsageError
    from conch.runs import find
    from conch.runs.comparison import compare

    if len(names) < 2:
        raise UsageError("history.compare_two")
    runs = [find(name) for name in names]
    compared = compare(runs)
    if png is not None:
        from conch.runs import read_events
        from conch.training.overlay import plot_runs

        plot_runs({run.id: read_events(run.events_path) for run in runs}, expanded(png))
    if as_json:
        emit(compared)
        return
    _show(compared)
    if png is not None:
        say(tr("cli.runs.drawn", file=png))


def _show(compared: dict[str, Any]) -> None:
    from conch.runs.comparison import METRICS
    from conch.runs.run import told

    runs = compared["runs"]
    rows = [["", *(run["id"] for run in runs)]]
    if any(run["name"] for run in runs):
        rows.append([tr("cli.runs.name"), *(run["name"] or "-" for run in runs)])
    rows.append([tr("cli.runs.state"), *(told(run["state"]) for run in runs)])
    for metric in METRICS:
        if any(run[metric] is not None for run in runs):
            cells = [figure(metric, run[metric]) for run in runs]
            rows.append([tr(f"cli.runs.metric.{metric}"), *cells])
    if compared["config"]:
        rows.append([""])
    rows += [[key, *(_short(plain(value)) for value in values)] for key, values in compared["config"].items()]
    for line in columns(rows, right=range(1, len(runs) + 1)):
        say(line)
    if not compared["config"]:
        say(tr("cli.runs.same_settings"))


def _short(value: str) -> str:
    """The end of a long path says what it is."""
    return value if len(value) <= LONGEST else "…" + value[1 - LONGEST :]
