"""One evaluation: scores, every row (sorted and filtered), and the blind vote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from conch.core.text import tr
from conch.evaluation.report import summary
from conch.webui import choices, parts
from conch.webui.evaluations import ORDERS, SHOWN, Evaluation, Row, known, page_of, read
from conch.webui.page import Page
from conch.webui.pages import evaluate_blind
from conch.webui.words import word

ON_A_PAGE = 20
KINDS = {"a": "bad", "b": "good", "tie": ""}
SCORES = ("exact_match", "f1", "bleu", "bleu-4", "chrf", "rouge-1", "rouge-2", "rouge-l", "json_valid",
          "repetition", "length", "empty")  # fmt: skip


def build(page: Page) -> list[Any]:
    """The panel; returns the components that `show` fills."""
    folder = gr.State("")
    with gr.Column(visible=False, elem_classes="card", elem_id="evaluate-one", min_width=0) as box:
        head = parts.acting(elem_id="evaluate-head")
        with gr.Tabs():
            with gr.Tab(word("studio.evaluate.tab.rows")):
                shown, order = _choices()
                rows = parts.html(elem_id="evaluate-table")
                with gr.Row(elem_classes="row-actions pager"):
                    back = gr.Button(word("studio.data.back"), size="sm")
                    at = gr.Number(
                        1,
                        minimum=1,
                        precision=0,
                        label=word("studio.data.sheet"),
                        show_label=False,
                        container=False,
                        min_width=70,
                    )
                    forth = gr.Button(word("studio.data.forth"), size="sm")
            with gr.Tab(word("studio.evaluate.scores")):
                scores = parts.html(elem_id="evaluate-scores")
            with gr.Tab(word("studio.evaluate.tab.blind")):
                blind = evaluate_blind.build(page, folder)
    table = [folder, shown, order, at]
    for choice in (shown, order):
        page.on(choice.input, lambda folder, shown, order: [_rows(folder, shown, order, 1), 1],
                [folder, shown, order], [rows, at])  # fmt: skip
    page.on(at.change, _rows, table, [rows])
    page.on(back.click, lambda at: max(1, int(at or 1) - 1), [at], [at])
    page.on(forth.click, _forth, table, [at])
    page.acts(head, lambda: ("", gr.update(visible=False)), None, [folder, box])
    page.fresh(_retold, table, [head, scores, rows, blind])
    return [folder, box, head, scores, shown, order, at, rows, blind]


def _choices() -> tuple[Any, Any]:
    with gr.Row():
        shown = gr.Radio(
            [(word(f"studio.evaluate.shown.{name}"), name) for name in SHOWN],
            value="all",
            label=word("studio.evaluate.shown"),
            elem_id="evaluate-shown",
            min_width=280,
        )
        order = gr.Radio(
            [(word(f"studio.evaluate.order.{name}"), name) for name in ORDERS],
            value="row",
            label=word("studio.evaluate.order"),
            elem_id="evaluate-order",
            min_width=280,
        )
    return shown, order


def show(folder: Path) -> list[Any]:
    """An evaluation from its beginning: the rows that got worse first."""
    found = _read(str(folder))
    if found is None:
        missing = parts.note(tr("studio.evaluate.gone", folder=folder), "warn")
        return [str(folder), gr.update(visible=True), missing, "", "all", "row", 1, "", ""]
    order = "worst" if found.compares else "row"
    return [
        str(folder), gr.update(visible=True), _head(found), _scores(found), "all", order, 1,
        _rows(str(folder), "all", order, 1), evaluate_blind.shown(str(folder)),
    ]  # fmt: skip


def unchanged() -> list[Any]:
    return [gr.skip()] * 9


def outcome(folder: Path) -> str:
    """What came of it, in some lines."""
    found = _read(str(folder))
    if found is None:
        return parts.note(tr("studio.evaluate.gone", folder=folder), "warn")
    if found.document is not None:
        lines = "<br>".join(map(parts.safe, summary(found.document)))
        warning = (found.document["forgetting"] or {}).get("diagnosis")
        more = parts.note(warning, "warn") if warning else ""
        return f"<p class='outcome'>{lines}</p>{more}"
    scores = found.scores["b"]
    told = [(tr(f"evaluation.{name}"), f"{scores[name]:.1f}") for name in ("rouge-l", "f1", "bleu-4", "chrf",
            "exact_match") if name in scores]  # fmt: skip
    return parts.facts([(tr("studio.data.rows"), len(found.rows)), *told])


def _read(folder: str) -> Evaluation | None:
    found: Evaluation | None = known(lambda: read(Path(folder))) if folder else None
    return found


def _retold(folder: str, shown: str, order: str, at: float) -> Any:
    """The same in another language."""
    found = _read(folder)
    if found is None:
        return [gr.skip()] * 4
    return _head(found), _scores(found), _rows(folder, shown, order, at), evaluate_blind.shown(folder)


def _head(found: Evaluation) -> str:
    """Who answered, and the way out."""
    leave = parts.buttons(parts.button(tr("studio.evaluate.close"), "close"))
    sides = ""
    if found.document is not None:
        sides = "<br>".join(
            f"<b>{side.upper()}</b> {parts.safe(choices.name_of(found.document[side]))}" for side in "ab"
        )
    return f"<div class='runhead'><div class='small'>{sides}</div>{leave}</div>"


def _scores(found: Evaluation) -> str:
    if found.document is not None and found.document["forgetting"]:
        return _areas(found.document["forgetting"])
    if not found.scores:
        return parts.note(tr("studio.evaluate.no_scores"))
    names = [name for name in SCORES if name in found.scores["b"]]
    heads = [tr("evaluation.page.score"), *(["A"] if found.compares else []), "B" if found.compares else ""]
    rows = [
        [tr(f"evaluation.{name}"), *(f"{found.scores[side][name]:.2f}" for side in sorted(found.scores))]
        for name in names
    ]
    return parts.table(heads, rows, numbers={1, 2})


def _areas(forgot: dict[str, Any]) -> str:
    """What was forgotten, area by area."""
    heads = ("questions", "before", "after", "lost", "gained")
    every = [*forgot["areas"], {key: forgot[key] for key in ("name", *heads)}]
    rows = [[tr(f"evaluation.area.{area['name']}"), *(area[key] for key in heads)] for area in every]
    titles = [tr(f"evaluation.page.{key}") for key in ("area", *heads)]
    return parts.table(titles, rows, numbers={1, 2, 3, 4, 5})


def _forth(folder: str, shown: str, order: str, at: float) -> int:
    found = _read(folder)
    last = page_of(found.chosen(shown, order), 10**9, ON_A_PAGE)[1] if found else 1
    return min(int(at or 1) + 1, last)


def _rows(folder: str, shown: str, order: str, at: float | None) -> str:
    found = _read(folder)
    if found is None:
        return ""
    chosen = found.chosen(shown, order)
    if not chosen:
        return parts.empty(tr("studio.evaluate.no_such_rows"), "")
    rows, page, pages = page_of(chosen, int(at or 1), ON_A_PAGE)
    sides = ("A", "B") if found.compares else (tr("studio.evaluate.answer"),)
    heads = ["", tr("evaluation.page.prompt"), tr("evaluation.page.wanted"), *sides,
             tr(f"evaluation.{found.metric}") if found.metric else ""]  # fmt: skip
    lines = [_cells(row, found) for row in rows]
    count = tr("studio.evaluate.count", shown=len(chosen), rows=len(found.rows), page=page, pages=pages)
    return f"<p class='small'>{parts.safe(count)}</p>{parts.table(heads, lines, numbers={len(heads) - 1})}"


def _cells(row: Row, found: Evaluation) -> list[Any]:
    texts = [row.prompt, row.wanted, *([row.a] if found.compares else []), row.b]
    return [row.number, *(parts.Html(f"<div class='cell'>{parts.safe(text)}</div>") for text in texts),
            _mark(row, found)]  # fmt: skip


def _mark(row: Row, found: Evaluation) -> parts.Html:
    if row.mark is None:
        return parts.Html("")
    if not found.compares or row.before is None:
        return parts.Html(f"{row.mark:.1f}")
    verdict = (
        parts.tag(tr(f"studio.evaluate.verdict.{row.verdict}"), KINDS[row.verdict]) if row.verdict else ""
    )
    return parts.Html(f"{row.before:.1f} → {row.mark:.1f}<br>{verdict}")
