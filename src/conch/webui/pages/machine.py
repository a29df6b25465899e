"""Machine: what `conch doctor` finds, and where things are kept."""

from __future__ import annotations

import gradio as gr

from conch.config.settings import default_source
from conch.core import env
from conch.core.text import tr
from conch.models.doctor import examine
from conch.webui import parts
from conch.webui.page import Page
from conch.webui.words import word

KINDS = {"ok": "good", "note": "warn", "fix": "bad"}


def build(page: Page) -> None:
    parts.head("machine")
    with gr.Column(elem_classes="card", min_width=0):
        places = parts.html(elem_id="machine-places")
    parts.part("studio.machine.found")
    found = parts.html(elem_id="machine-found")
    with gr.Row(elem_classes="row-actions"):
        again = gr.Button(word("studio.machine.again"), elem_id="machine-again")
        network = gr.Button(word("studio.machine.network"), elem_id="machine-network")
    page.fresh(lambda: (_places(), _found(network=False)), [], [places, found])
    page.on(again.click, lambda: _found(network=False), None, [found], show_progress="minimal")
    page.on(network.click, lambda: _found(network=True), None, [found], show_progress="minimal")


def _places() -> str:
    return parts.facts(
        [
            (tr("studio.machine.home"), env.home()),
            (tr("studio.machine.cache"), env.hub_cache()),
            (tr("studio.machine.source"), default_source()),
        ]
    )


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
