"""One run: state, figures, what the curve means, what can be done, samples, checkpoints, log, settings."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import yaml

from conch.cli.output import duration, size
from conch.core.events import Sample, Warned
from conch.core.text import tr
from conch.runs import Run
from conch.runs.checkpoints import step_of
from conch.runs.diagnosis import Finding, diagnose
from conch.runs.run import ENDED
from conch.runs.summary import open_log
from conch.webui import choices, parts
from conch.webui.pages.runs_list import moment, state

TAIL = 256 * 1024
"""Bytes of a log that are searched."""
LINES = 200
WARNINGS = 5
JUDGED_SECONDS = 30.0
KEPT = 100


def detail(run: Run, summary: dict[str, Any], *, judged: bool = True) -> str:
    """The head of a run's page, without what its curve means unless it is `judged`: that takes longest."""
    name = summary["name"]
    back = parts.link(tr("studio.runs.all"), "runs", run="")
    about = "" if name == run.id else f"<span class='small'>{parts.safe(run.id)}</span>"
    title = f"<h2>{parts.safe(name)} {state(summary['state'])} {about}</h2>"
    up = f"<div class='small' style='margin-bottom:6px'>← {back}</div>"
    head = f"{up}<div class='runhead'>{title}{_buttons(run, summary)}</div>"
    return head + _progress(summary) + _facts(summary) + _told(run, summary, judged)


def _buttons(run: Run, summary: dict[str, Any]) -> parts.Html:
    """What can be done with a run in this state."""
    now, here = summary["state"], bool(summary["checkpoints"])
    shown = []
    if now == "running":
        shown.append(parts.button(tr("studio.runs.save"), "save", run.id))
    if now in {"running", "queued", "paused"}:
        shown.append(parts.button(tr("studio.runs.stop"), "stop", run.id, kind="first"))
    if now not in ENDED:
        sure = tr("studio.runs.cancel_sure")
        shown.append(parts.button(tr("studio.runs.cancel"), "cancel", run.id, sure=sure, kind="danger"))
    if now in {"stopped", "failed", "lost"}:
        words = tr("studio.runs.resume" if here else "studio.runs.again")
        shown.append(parts.button(words, "resume", run.id, kind="first"))
    if choices.has_model(run.output):
        shown += _leads(run.id)
    if now in ENDED:
        shown.append(parts.button(tr("studio.runs.copy_settings"), "fix", ""))
        sure = tr("studio.runs.remove_sure", name=summary["name"])
        shown.append(parts.button(tr("studio.remove"), "remove", run.id, sure=sure, kind="danger"))
    return parts.buttons(*shown)


def _progress(summary: dict[str, Any]) -> str:
    progress = summary["progress"]
    if not progress["total_steps"] or summary["state"] in {"failed", "lost"}:
        return ""
    return f"{parts.bar(progress['step'] / progress['total_steps'])}<div style='height:14px'></div>"


def _facts(summary: dict[str, Any]) -> str:
    progress, last = summary["progress"], summary["last"]
    total = progress["total_steps"]
    told = [
        (tr("studio.runs.step"), f"{progress['step']:,} / {total:,}" if total else "-"),
        (tr("studio.runs.left_time"), duration(progress["eta_seconds"])),
        (tr("studio.runs.curve.loss"), _figure(last.get("loss"))),
        (tr("studio.runs.curve.eval_loss"), _figure(last.get("eval_loss"))),
        (
            tr("studio.runs.curve.tokens_per_second"),
            f"{last['tokens_per_second']:,.0f}" if "tokens_per_second" in last else "-",
        ),
        (tr("studio.runs.curve.memory_bytes"), size(last["memory_bytes"]) if "memory_bytes" in last else "-"),
        (tr("studio.runs.begun"), moment(summary["started"] or summary["created"])),
    ]
    if summary["ended"] and summary["started"]:
        told.append((tr("studio.runs.took"), duration(summary["ended"] - summary["started"])))
    return parts.facts(told)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _told(run: Run, summary: dict[str, Any], judged: bool) -> str:
    """What went wrong, what the run waits for, what its curve means, and its newest warnings."""
    notes: list[str] = []
    for trouble in (summary["error"], summary["paused"]):
        if trouble:
            words = f"<b>{parts.safe(trouble['message'])}</b><br>{parts.safe(trouble['hint'])}"
            notes.append(parts.note(parts.Html(words), "bad" if trouble is summary["error"] else "warn"))
    if summary["waits"]:
        waits = summary["waits"]
        behind = ", ".join(waits["behind"]) or "-"
        notes.append(
            parts.note(
                tr(
                    "runs.waits",
                    name=run.id,
                    device=waits["device"],
                    position=waits["position"],
                    behind=behind,
                )
            )
        )
    for finding in _findings(run, summary["state"]) if judged else ():
        words = parts.safe(finding.message)
        if finding.change:
            change = parts.pairs(finding.change)
            fix = parts.button(tr("studio.runs.follow_up", change=change), "fix", finding.key, kind="first")
            words = f"{words}<div style='margin-top:8px'>{fix}</div>"
        notes.append(parts.note(parts.Html(words), "good" if not finding.change else "warn"))
    with open_log(run.events_path) as log:
        warned = list(log.all(Warned))[-WARNINGS:]
    notes.extend(parts.note(warning) for warning in dict.fromkeys(map(_warning, warned)))
    return f"<div style='margin-top:16px'>{''.join(notes)}</div>" if notes else ""


_judged: dict[str, tuple[float, int, list[Finding]]] = {}
"""What was found of a run, when, and by how much of its log."""


def is_judged(run: Run) -> bool:
    """Whether something is known of what its curve means, if not the newest."""
    return str(run.folder) in _judged


def _findings(run: Run, state: str) -> list[Finding]:
    """The diagnosis. While a run goes on it is made anew now and then only: it reads the whole log."""
    size, now = run.events_path.stat().st_size, time.monotonic()
    at, seen, found = _judged.get(str(run.folder), (0.0, -1, []))
    if seen == size or (seen >= 0 and state not in ENDED and now - at < JUDGED_SECONDS):
        return found
    found = diagnose(run)
    while len(_judged) > KEPT:
        del _judged[next(iter(_judged))]
    _judged[str(run.folder)] = (now, size, found)
    return found


def _warning(event: Warned) -> str:
    return tr(event.key, **event.values or {}) if event.key else event.message


def checkpoints(run: Run, summary: dict[str, Any]) -> str:
    found = run.checkpoints()
    output = Path(summary["output"])
    if not found and not (output / "adapter_model.safetensors").is_file():
        return parts.empty(tr("studio.runs.no_checkpoints"), tr("studio.runs.no_checkpoints_what"))
    heads = [tr(f"studio.runs.checkpoint.{name}") for name in ("step", "folder", "size", "actions")]
    rows = [
        [
            step_of(folder),
            parts.Html(f"<span class='small nowrap' title='{parts.safe(folder)}'>{folder.name}</span>"),
            size(_bytes(folder)),
            parts.buttons(*_from_checkpoint(folder, summary["state"])),
        ]
        for folder in reversed(found)
    ]
    where = f"<p class='small path'>{parts.safe(output)}</p>"
    return where + parts.table(heads, rows, numbers={2}, stacks=True)


def _from_checkpoint(folder: Path, state: str) -> list[parts.Html]:
    """Where a checkpoint leads."""
    does = _leads(str(folder))
    if state in {"stopped", "failed", "lost"}:
        does.append(parts.button(tr("studio.runs.from_here"), "from", str(folder)))
    return does


def _leads(model: str) -> list[parts.Html]:
    """The pages that go on with a trained model."""
    return [
        parts.opening(tr(f"studio.lead.{page}"), page, model=model) for page in ("chat", "evaluate", "export")
    ]


def _bytes(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())


def samples(run: Run) -> str:
    with open_log(run.events_path) as log:
        told = list(log.all(Sample))
    if not told:
        return parts.empty(tr("studio.runs.no_samples"), tr("studio.runs.no_samples_what"))
    shown = []
    for prompt in dict.fromkeys(event.prompt for event in told):
        shown.append(f"<h3 class='prompt'>{parts.safe(prompt)}</h3>")
        for event in told:
            if event.prompt == prompt:
                step = parts.safe(tr("studio.runs.at_step", step=event.step))
                said = f"<div class='small'>{step}</div><div class='said'>{parts.safe(event.answer)}</div>"
                shown.append(f"<div class='answer'>{said}</div>")
    return "".join(shown)


def log(run: Run, asked: str) -> str:
    """The end of what the run printed; only the lines that hold `asked`, in any case."""
    if not run.log_path.is_file():
        return parts.empty(tr("studio.runs.no_log"), "")
    with run.log_path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    kept = [line for line in lines if asked.lower() in line.lower()][-LINES:]
    return f"<pre class='log'>{parts.safe(chr(10).join(kept))}</pre>"


def config(run: Run) -> str:
    given = {key: value for key, value in run.flat_config().items() if value not in (None, [], "", {})}
    text = yaml.safe_dump(given, allow_unicode=True, sort_keys=False)
    again = parts.shell(f"conch train {run.config_path}")
    return f"{again}<div style='height:10px'></div><pre class='log'>{parts.safe(text)}</pre>"
