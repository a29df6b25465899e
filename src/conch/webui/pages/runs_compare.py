"""Several runs side by side: their figures, what was asked differently, and their curves in one chart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from conch.cli.output import duration, size
from conch.core.text import tr
from conch.runs import Run, find
from conch.runs.comparison import METRICS, compare
from conch.runs.curves import Shelf
from conch.webui import parts
from conch.webui.page import Page
from conch.webui.words import word

MOST = 6


def build(page: Page, shelf: Shelf) -> Any:
    """The choice of runs, with what a comparison shows; returns the choice."""
    with gr.Accordion(word("studio.runs.compare"), open=False, elem_id="runs-compare"):
        chosen = gr.Dropdown([], multiselect=True, max_choices=MOST, label=word("studio.runs.compare_which"))
        chart = parts.html(
            js_on_load="window.conch.chart(element, props, watch);",
            html_template="<div></div>",
            elem_id="chart-compare",
        )
        table = parts.html()

    def side_by_side(names: list[str]) -> tuple[str, str]:
        if len(names) < 2:
            return "", ""
        runs = [find(name) for name in names]
        return _curves(runs, shelf), _table(runs)

    page.on(chosen.change, side_by_side, [chosen], [chart, table])
    return chosen


def choices(runs: Sequence[Run]) -> Any:
    return gr.update(choices=[(_name(run), run.id) for run in runs[:200]])


def _name(run: Run) -> str:
    name = run.run_name()
    return f"{name} ({run.id})" if name else run.id


def _curves(runs: Sequence[Run], shelf: Shelf) -> str:
    series = []
    for place, run in enumerate(runs):
        for key, points in shelf.curves(run).shown(400).items():
            if key in {"loss", "eval_loss"}:
                name = f"{run.run_name() or run.id} · {tr(f'studio.runs.curve.{key}')}"
                series.append({"name": name, "points": points, "colour": place, "smooth": key == "loss"})
    if not series:
        return ""
    words = {name: tr(f"studio.chart.{name}") for name in ("log", "smooth", "reset", "step")}
    title = tr("studio.runs.chart.loss")
    return json.dumps({"title": title, "series": series, "smoothable": True, "height": 280, "words": words})


def _table(runs: Sequence[Run]) -> str:
    found = compare(runs)
    heads = ["", *(run["name"] or run["id"] for run in found["runs"])]
    rows: list[list[Any]] = [
        [tr(f"studio.runs.metric.{name}"), *(_shown(name, run[name]) for run in found["runs"])]
        for name in METRICS
    ]
    rows += [[key, *map(str, values)] for key, values in found["config"].items()]
    return parts.table(heads, rows)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "memory_bytes":
        return size(value)
    if name == "train_seconds":
        return duration(value)
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
