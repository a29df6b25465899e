"""`conch runs compare`: settings that differ, figures side by side, curves in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conch.cli.group import Command
from conch.cli.output import duration, emit, say, size
from conch.core.text import tr

WIDTH = 22
"""Of a column: an id fits."""


@click.command("compare", cls=Command, help=tr("cli.runs.compare"))
@click.argument("names", metavar="RUN...", nargs=-1, required=True)
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help=tr("cli.runs.png"))
@click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
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

        plot_runs({run.id: read_events(run.events_path) for run in runs}, png.expanduser())
    if as_json:
        emit(compared)
        return
    _show(compared)
    if png is not None:
        say(tr("cli.runs.drawn", file=png))


def _show(compared: dict[str, Any]) -> None:
    from conch.runs.comparison import METRICS

    runs = compared["runs"]
    _row("", [run["id"] for run in runs])
    if any(run["name"] for run in runs):
        _row(tr("cli.runs.name"), [run["name"] or "-" for run in runs])
    _row(tr("cli.runs.state"), [run["state"] for run in runs])
    for metric in METRICS:
        if any(run[metric] is not None for run in runs):
            _row(tr(f"cli.runs.metric.{metric}"), [_figure(metric, run[metric]) for run in runs])
    if compared["config"]:
        say()
    for key, values in compared["config"].items():
        _row(key, [_plain(value) for value in values])


def _row(head: str, cells: list[str]) -> None:
    wide = sum(ord(letter) > 0x2E80 for letter in head)  # these take two columns of a terminal
    say(" ".join([head.ljust(max(WIDTH + 6 - wide, 0)), *(cell.rjust(WIDTH) for cell in cells)]).rstrip())


def _figure(metric: str, value: Any) -> str:
    if value is None:
        return "-"
    if metric == "memory_bytes":
        return size(value)
    if metric == "train_seconds":
        return duration(value)
    return f"{value:.4f}" if "loss" in metric else f"{value:,.0f}"


def _plain(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
