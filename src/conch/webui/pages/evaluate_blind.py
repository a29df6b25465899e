"""The blind vote: two answers side by side, nobody knows whose; then the count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from conch.core.text import tr
from conch.webui import parts
from conch.webui.evaluations import COMPARED, Ballot, known
from conch.webui.markdown import as_html
from conch.webui.page import Page

CHOICES = ("left", "tie", "right")


def build(page: Page, folder: Any) -> Any:
    """The place of the vote on the comparison in `folder`."""
    vote = parts.acting(elem_id="evaluate-blind")
    page.acts(vote, _act, [folder], [vote], trigger_mode="once")
    return vote


def _act(folder: str, event: gr.EventData) -> str:
    ballot = Ballot(Path(folder))
    if event.act == "undo":
        ballot.take_back()
    elif event.act == "reveal":
        return shown(folder, reveal=True)
    elif event.act in CHOICES and event.key.isdigit():
        ballot.vote(int(event.key), event.act)
    return shown(folder)


def shown(folder: str, *, reveal: bool = False) -> str:
    """The next pair, or the count once all are voted on, or once it is asked for."""
    ballot: Ballot | None = known(lambda: Ballot(Path(folder))) if folder else None
    if ballot is None:
        return parts.empty(tr("studio.evaluate.blind_two"), tr("studio.evaluate.blind_two.what"))
    if not ballot.pairs:
        return parts.empty(tr("studio.evaluate.blind_same"), "")
    pair = ballot.next()
    if pair is None or reveal:
        return _tally(ballot, folder)
    done, count = len(ballot.chosen), len(ballot.pairs)
    progress = parts.safe(tr("studio.evaluate.blind_progress", number=done + 1, count=count))
    head = f"<div class='small'>{progress}</div>{parts.bar(done / count)}"
    asked = f"<div class='asked'><div class='spoken plain'>{parts.safe(pair.prompt)}</div></div>"
    sides = "".join(
        f"<div class='reply'><div class='spoken'>{as_html(text)}</div>"
        f"{parts.button(tr(f'studio.evaluate.blind.{side}'), side, str(pair.row), kind='first')}</div>"
        for side, text in (("left", pair.left), ("right", pair.right))
    )
    does = [parts.button(tr("studio.evaluate.blind.tie"), "tie", str(pair.row))]
    if ballot.chosen:
        does.append(parts.button(tr("studio.evaluate.blind.undo"), "undo"))
        does.append(parts.button(tr("studio.evaluate.blind.reveal"), "reveal"))
    inner = f"<div class='turn'>{asked}<div class='sides'>{sides}</div></div>"
    return f"{head}<div class='talk sides-2 vote'>{inner}</div>{parts.buttons(*does)}"


def _tally(ballot: Ballot, folder: str) -> str:
    """Who won, how often, and whether that may be chance."""
    tally = ballot.tally()
    names = known(lambda: json.loads((Path(folder) / COMPARED).read_text(encoding="utf-8"))) or {}
    low, high = tally.interval
    facts = parts.facts(
        [
            (f"A · {names.get('a', '')}", tally.a),
            (f"B · {names.get('b', '')}", tally.b),
            (tr("studio.evaluate.blind.ties"), tally.ties),
            (tr("studio.evaluate.blind.rate"), f"{tally.win_rate:.0%} [{low:.0%}, {high:.0%}]"),
        ]
    )
    verdict = parts.note(tr(f"evaluation.compare.{tally.outcome}", p=f"{tally.p:.2g}"))
    left = len(ballot.pairs) - len(ballot.chosen)
    does = [parts.button(tr("studio.evaluate.blind.undo"), "undo")]
    if left:
        does.insert(0, parts.button(tr("studio.evaluate.blind.go_on", count=left), "on", kind="first"))
    return f"<div class='wide'>{facts}</div><div style='margin:12px 0'>{verdict}</div>{parts.buttons(*does)}"
