"""The table of all runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from conch.cli.output import duration, in_words
from conch.core.text import tr
from conch.runs import Run
from conch.runs.queue import places
from conch.runs.run import State, told
from conch.webui import parts

KINDS: dict[str, str] = {
    "running": "busy",
    "stopping": "busy",
    "queued": "",
    "paused": "warn",
    "stopped": "",
    "finished": "good",
    "failed": "bad",
    "lost": "bad",
}
SHOWN = 100


def state(name: State) -> parts.Html:
    return parts.tag(told(name), KINDS[name])


def shown(runs: Sequence[Run]) -> str:
    if not runs:
        go = parts.link(tr("studio.runs.none_go"), "train")
        return parts.empty(
            tr("studio.runs.none"), parts.Html(f"{parts.safe(tr('studio.runs.none_what'))} {go}")
        )
    heads = [
        tr(f"studio.runs.column.{name}")
        for name in ("run", "state", "progress", "loss", "eval", "begun", "actions")
    ]
    briefs = [run.brief() for run in runs[:SHOWN]]
    waiting = places() if any(brief["state"] == "queued" for brief in briefs) else {}
    rows = [_row(brief, waiting.get(brief["id"])) for brief in briefs]
    return parts.table(heads, rows, numbers={3, 4}, stacks=True)


def _row(brief: dict[str, Any], place: Any) -> list[Any]:
    name, progress, last = brief["name"], brief["progress"], brief["last"]
    about = "" if name == brief["id"] else f"<div class='small'>{parts.safe(brief['id'])}</div>"
    title = parts.Html(parts.link(name, "runs", run=brief["id"]) + about)
    total = progress["total_steps"]
    steps = f"<span class='nowrap'>{progress['step']:,} / {total:,}</span>" if total else "-"
    left = progress["eta_seconds"]
    told_steps = (
        f"{steps}<div class='small'>{parts.safe(tr('studio.runs.left', time=duration(left)))}</div>"
        if left
        else steps
    )
    if place is not None:
        told_steps = (
            f"<span class='small'>{parts.safe(in_words(place.device, place.position, place.behind))}</span>"
        )
    share = (
        parts.bar(progress["step"] / total)
        if total and brief["state"] in {"running", "stopping", "paused"}
        else ""
    )
    does = [parts.link(tr("studio.runs.look"), "runs", run=brief["id"])]
    return [
        title,
        state(brief["state"]),
        parts.Html(told_steps + share),
        f"{last['loss']:.3f}" if "loss" in last else "-",
        f"{last['eval_loss']:.3f}" if "eval_loss" in last else "-",
        moment(brief["created"]),
        parts.buttons(*does),
    ]


def moment(seconds: float | None) -> str:
    return "-" if seconds is None else time.strftime("%m-%d %H:%M", time.localtime(seconds))
