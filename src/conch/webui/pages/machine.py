"""Machine: what `conch doctor` finds, how full memory and disks are, where things are kept, keys."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import gradio as gr

from conch.cli.output import size
from conch.config.model import MODEL_SOURCES
from conch.config.settings import default_source, settle_source
from conch.core import env
from conch.core.disk import existing
from conch.core.text import tr
from conch.models import nvidia
from conch.models.doctor import examine
from conch.runs.machine import memory_available, memory_total
from conch.webui import jobs, parts
from conch.webui.handlers import note
from conch.webui.page import BUSY, Page
from conch.webui.pages import machine_keys
from conch.webui.words import word

KINDS = {"ok": "good", "note": "warn", "fix": "bad"}
LOOK_SECONDS = 5
CARD_FIELDS = "name,memory.used,memory.total,utilization.gpu"
OTHER_LANGUAGE = "() => { document.getElementById('language').click(); return []; }"
SERVERS = ("served", "held")
"""Kinds of jobs that listen on a port."""


def build(page: Page) -> None:
    parts.head("machine")
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.machine.room")
        room = parts.html(parts.waiting("studio.machine.looking"), elem_id="machine-room")
    parts.part("studio.machine.found")
    found = parts.html(parts.waiting("studio.machine.looking"), elem_id="machine-found")
    with gr.Row(elem_classes="row-actions"):
        again = gr.Button(word("studio.machine.again"), elem_id="machine-again")
        network = gr.Button(word("studio.machine.network"), elem_id="machine-network")
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.machine.settings")
        source = _settings(page)
        places = parts.acting(elem_id="machine-places")
    machine_keys.build(page)
    page.fresh(lambda: (_room(), default_source(), _places()), [], [room, source, places])
    page.fresh(lambda: _found(network=False), [], [found])  # takes seconds, for which nothing else waits
    page.every(LOOK_SECONDS, _room, [], [room])
    page.on(again.click, lambda: _found(network=False), None, [found], **BUSY)
    page.on(network.click, lambda: _found(network=True), None, [found], **BUSY)


def _settings(page: Page) -> Any:
    """Where models come from, and the language."""
    with gr.Row():
        source = gr.Dropdown(
            [(word("studio.models.auto"), "auto"), *MODEL_SOURCES[1:]],
            value="auto",
            label=word("studio.machine.source"),
            info=word("studio.machine.source_why"),
            elem_id="machine-source",
            min_width=220,
        )
        with gr.Column(min_width=220):
            parts.html(f"<p class='why'>{word('studio.machine.language_why')}</p>")
            with gr.Row(elem_classes="row-actions"):
                tongue = gr.Button("中文 · English", elem_id="machine-language")
    page.on(source.input, _settle, [source], None)
    page.on(tongue.click, None, None, None, js=OTHER_LANGUAGE)
    return source


def _settle(source: str) -> None:
    settle_source(source)
    note(tr("studio.machine.settled"))


def _places() -> str:
    """Where things are kept, and how to keep them elsewhere."""
    told = parts.facts(
        [
            (tr("studio.machine.home"), env.home()),
            (tr("studio.machine.cache"), env.hub_cache()),
        ]
    )
    why = f"<p class='small' style='margin:12px 0 6px'>{parts.safe(tr('studio.machine.home_why'))}</p>"
    return f"{told}{why}{parts.shell('CONCH_HOME=/data/conch conch ui')}"


def _room() -> str:
    """How full memory, disks and cards are, and which ports Conch listens on."""
    total = memory_total()
    lines = [_line(tr("studio.machine.memory"), total - memory_available(), total)]
    lines += [_disk(place) for place in _disks()]
    cards = _cards()
    lines += cards or [f"<div class='small'>{parts.safe(tr('studio.machine.no_gpu'))}</div>"]
    urls = [job.told().get("url") for kind in SERVERS for job in jobs.jobs(kind) if job.is_alive()]
    ports = ", ".join(str(url).rpartition(":")[2] for url in urls if url) or "-"
    foot = f"<div class='small'>{parts.safe(tr('studio.machine.ports', ports=ports))}</div>"
    return f"<div class='meters'>{''.join(lines)}</div>{foot}"


def _line(name: str, used: float, total: float, more: str = "") -> str:
    words = tr("studio.machine.used", used=size(used), total=size(total))
    return (
        f"<div class='meter'><div class='meter-head'><b>{parts.safe(name)}</b>"
        f"<span class='small'>{parts.safe(words + more)}</span></div>{parts.bar(used / max(total, 1))}</div>"
    )


def _disks() -> list[Path]:
    """One place on each disk that matters: the home's, the hubs' cache's."""
    found: dict[int, Path] = {}
    for place in (env.home(), env.hub_cache()):
        there = existing(place)
        found.setdefault(there.stat().st_dev, place)
    return list(found.values())


def _disk(place: Path) -> str:
    usage = shutil.disk_usage(existing(place))
    return _line(tr("studio.machine.disk", place=place), usage.total - usage.free, usage.total)


def _cards() -> list[str]:
    program = nvidia.program()
    told = nvidia.ask(program, CARD_FIELDS) if program else None
    lines = []
    for row in told.said.splitlines() if told and told.works else []:
        name, used, total, busy = (cell.strip() for cell in row.rsplit(",", 3))
        if used.isdigit() and total.isdigit():
            more = tr("studio.machine.busy", share=busy)
            lines.append(_line(name, int(used) << 20, int(total) << 20, more))
    return lines


def _found(*, network: bool) -> str:
    """Everything that was looked at, what must be mended first. Asks the hubs where `network`."""
    findings = list(examine(env.home(), ask_network=network))
    count = sum(finding.grade == "fix" for finding in findings)
    verdict = tr("doctor.to_fix", count=count) if count else tr("doctor.healthy")
    rows = [
        [
            parts.tag(tr(f"doctor.graded_{finding.grade}").strip(), KINDS[finding.grade]),
            parts.Html(f"{parts.safe(finding.message)}{_remedy(finding.remedy)}"),
        ]
        for finding in sorted(findings, key=lambda each: list(KINDS).index(each.grade), reverse=True)
    ]
    heads = [tr("studio.machine.column.grade"), tr("studio.machine.column.what")]
    space = "<div style='height:14px'></div>"
    return parts.note(verdict, "bad" if count else "good") + space + parts.table(heads, rows)


def _remedy(text: str) -> str:
    return f"<div class='small'>{parts.safe(text)}</div>" if text else ""
