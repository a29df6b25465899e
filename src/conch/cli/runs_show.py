"""`conch runs show`: one run on a page."""

from __future__ import annotations

import time
from typing import Any

from conch.cli.figures import figure
from conch.cli.layout import fold, pad, width_of
from conch.cli.output import duration, in_words, say
from conch.core.text import tr
from conch.runs.run import told

MEASURES = (
    *("epoch", "loss", "eval_loss", "eval_losses", "learning_rate", "grad_norm"),
    *("tokens", "tokens_per_second", "memory_bytes"),
)
"""What is shown of the newest figures, in this order; steps and time left stand by themselves."""


def show_run(summary: dict[str, Any]) -> None:
    lines = _lines(summary)
    width = max(width_of(name) for name, _ in lines) + 2
    for name, value in lines:
        say(f"{pad(name, width)}{value}".rstrip())
    _tell(summary)


def _lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values, a line each."""
    progress, last = summary["progress"], summary["last"]
    lines = [(tr("cli.runs.id"), summary["id"])]
    if summary["name"] != summary["id"]:
        lines.append((tr("cli.runs.name"), summary["name"]))
    lines.append((tr("cli.runs.state"), told(summary["state"])))
    for key in ("created", "started", "ended"):
        if summary[key] is not None:
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(summary[key]))
            lines.append((tr(f"cli.runs.{key}"), moment))
    lines.append((tr("cli.runs.progress"), f"{progress['step']}/{progress['total_steps'] or '?'}"))
    if progress["eta_seconds"] is not None:
        lines.append((tr("cli.runs.left"), duration(progress["eta_seconds"])))
    known = [key for key in MEASURES if last.get(key) is not None]
    lines += [(tr(f"cli.runs.metric.{key}"), figure(key, last[key])) for key in known]
    lines.append((tr("cli.runs.output"), summary["output"]))
    for number, checkpoint in enumerate(summary["checkpoints"]):
        lines.append(("" if number else tr("cli.runs.checkpoints"), checkpoint))
    return lines


def _tell(summary: dict[str, Any]) -> None:
    """What there is to say about the run in words."""
    if summary["waits"]:
        waits = summary["waits"]
        say(in_words(waits["device"], waits["position"], waits["behind"]))
    if summary["paused"]:
        say(fold(tr("cli.warning", message=summary["paused"]["message"]), 2))
        say(tr("cli.hint", hint=summary["paused"]["hint"]))
    for message in summary["diagnosis"]:
        say(fold(tr("cli.warning", message=message), 2))
    if summary["error"]:
        say(tr("cli.error", message=summary["error"]["message"]))
        say(tr("cli.hint", hint=summary["error"]["hint"]))
