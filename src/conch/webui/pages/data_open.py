"""One dataset: what a check finds in it, its rows, and its tokens as a model would be trained on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import gradio as gr

from conch.cli.data_report import previewed
from conch.config.data import DataConfig
from conch.config.model import ModelConfig
from conch.core.conversation import Document
from conch.core.text import has, tr
from conch.data import cleaning, editing
from conch.data.check import Report, check, severity_of
from conch.data.measure import Measure
from conch.data.reading import STAGES, Opened, open_dataset
from conch.data.sources import find_dataset
from conch.data.stats import stats
from conch.models import inventory
from conch.webui import parts
from conch.webui.handlers import note, told
from conch.webui.page import BUSY, Page
from conch.webui.pages import data_rows
from conch.webui.words import word

Relisted: TypeAlias = tuple[Any, Callable[[], str]]
SHOWN = 5
"""Findings of one rule that are shown."""
CUTOFFS = (256, 512, 1024, 2048, 4096, 8192)


def build(page: Page, relisted: Relisted) -> list[Any]:
    """The panel of one dataset; returns the components that `show` fills.

    `relisted` draws the list of all datasets anew.
    """
    listed, draw_list = relisted
    with gr.Column(visible=False, elem_classes="card", elem_id="data-open", min_width=0) as box:
        title = parts.html()
        name = gr.State("")
        with gr.Tabs() as tabs:
            with gr.Tab(word("studio.data.tab.check"), id="check"):
                report = parts.html(elem_id="data-report")
                with gr.Row(elem_classes="row-actions"):
                    clean = gr.Button(word("studio.data.clean"), elem_id="data-clean")
                cleaned = parts.acting(elem_id="data-cleaned")
            with gr.Tab(word("studio.data.tab.rows"), id="rows"):
                sheet = data_rows.Sheet(page, name)
            with gr.Tab(word("studio.data.tab.tokens"), id="tokens"):
                model, cutoff, number, see = _measured()
                tokens = parts.html(elem_id="data-tokens")
    opened = [title, box, tabs, report, clean, tokens, model, name, cleaned, *sheet.outputs]

    def copied(name: str) -> list[Any]:
        made = editing.own_copy(name)
        key = "studio.rows.copied_in_part" if made.left_out else "studio.rows.copied"
        note(tr(key, name=made.name, file=made.file, count=made.left_out))
        return [draw_list(), *show(made.name, "rows")]

    def clean_copy(name: str) -> list[Any]:
        """A copy without the bad rows, as a dataset of its own; the original stays as it is."""
        told = cleaning.cleaned_copy(name)
        text = tr(
            "studio.data.cleaned", name=told.name, kept=told.repaired.kept, removed=told.repaired.removed
        )
        go = parts.button(tr("studio.data.open"), "open", told.name, kind="first")
        return [draw_list(), parts.note(parts.Html(f"{parts.safe(text)} {go}"), "good")]

    def look(event: gr.EventData) -> list[Any]:
        return show(event.key)

    page.on(sheet.copy.click, copied, [name], [listed, *opened], trigger_mode="once")
    page.on(sheet.saved.success, lambda name: [draw_list(), *_checked(name)], [name], [listed, report, clean])
    page.on(see.click, _tokens, [name, model, cutoff, number], [tokens], **BUSY)
    page.on(clean.click, clean_copy, [name], [listed, cleaned], **BUSY, trigger_mode="once")
    page.acts(cleaned, look, None, opened)
    page.fresh(_retold, [name], [title, report, clean])
    return opened


def _measured() -> tuple[Any, Any, Any, Any]:
    """What tokens depend on, and the button that shows them."""
    with gr.Row():
        model = gr.Dropdown(
            [],
            label=word("studio.data.model"),
            allow_custom_value=True,
            elem_id="data-model",
            min_width=200,
        )
        cutoff = gr.Dropdown(
            list(CUTOFFS),
            value=2048,
            label=word("studio.data.cutoff"),
            allow_custom_value=True,
            elem_id="data-cutoff",
            min_width=140,
        )
        number = gr.Number(
            3, minimum=1, maximum=20, precision=0, label=word("studio.data.preview_rows"), min_width=120
        )
    with gr.Row(elem_classes="row-actions"):
        see = gr.Button(word("studio.data.see"), variant="primary", elem_id="data-see")
    return model, cutoff, number, see


def hidden() -> list[Any]:
    return [gr.skip(), gr.update(visible=False), *[gr.skip()] * 5, "", "", *[gr.skip()] * 7]


def show(name: str, tab: str = "check") -> list[Any]:
    """Everything of the dataset called `name`, its tokens aside."""
    opened = open_dataset(find_dataset(name))
    models = [entry.name for entry in inventory.entries()]
    choice = gr.update(choices=models, value=models[0]) if models else gr.update(choices=[])
    shown = [_title(name, opened), gr.update(visible=True), gr.update(selected=tab)]
    return [*shown, *_judged(opened), "", choice, name, "", *data_rows.Sheet.of(opened)]


def _checked(name: str) -> list[Any]:
    return _judged(open_dataset(find_dataset(name)))


def _judged(opened: Opened) -> list[Any]:
    """What a check finds, and the button for a cleaned copy where that would leave anything out."""
    report = check(opened)
    return [_report(report), gr.update(visible=bool(report.bad))]


def _retold(name: str) -> Any:
    if not name:
        return [gr.skip()] * 3
    opened = open_dataset(find_dataset(name))
    return [_title(name, opened), *_judged(opened)]


def role(part: str) -> str:
    """A part of a row in words, where there are any for it."""
    return tr(f"studio.data.role.{part}") if has(f"studio.data.role.{part}") else part


def _title(name: str, opened: Opened) -> str:
    columns = parts.pairs({role(part): column for part, column in opened.columns.items()})
    about = tr("studio.data.read_as", format=opened.format.name, columns=columns)
    return f"<h2>{parts.safe(name)}</h2><p class='why'>{parts.safe(about)}</p>"


def _report(report: Report) -> str:
    """What a check found: the verdict, then each rule with the first of its rows."""
    errors, warnings = report.total("error"), report.total("warning")
    stage = STAGES[report.opened.format.sample]
    told_facts = [
        (tr("studio.data.rows"), f"{report.rows:,}"),
        (tr("studio.data.stage"), stage),
        (tr("studio.data.errors"), errors),
        (tr("studio.data.warnings"), warnings),
    ]
    if not errors and not warnings:
        verdict = parts.note(tr("check.clean"), "good")
    elif report.passed:
        verdict = parts.note(tr("check.passed", warnings=warnings), "warn")
    else:
        verdict = parts.note(tr("check.failed", errors=errors, warnings=warnings), "bad")
    rules = []
    for rule, findings in report.sorted():
        kind = "bad" if severity_of(rule) == "error" else "warn"
        rows = "".join(f"<li>{parts.safe(found.message)}</li>" for found in findings[:SHOWN])
        more = report.counts[rule] - len(findings[:SHOWN])
        rest = f"<li class='dim'>{parts.safe(tr('studio.data.more', count=more))}</li>" if more > 0 else ""
        rules.append(
            f"<details class='rule'><summary>{parts.tag(str(report.counts[rule]), kind)} "
            f"{parts.safe(findings[0].remedy)}</summary><ul>{rows}{rest}</ul></details>"
        )
    return parts.facts(told_facts) + f"<div style='margin-top:14px'>{verdict}</div>" + "".join(rules)


def _tokens(name: str, model: str | None, cutoff: int, rows: float | None) -> str:
    """The tokens of the first rows, those that are trained marked, and how long all rows are."""
    if not model:
        raise told(tr("studio.data.no_model"), tr("studio.data.no_model.what"))
    opened = open_dataset(find_dataset(name))
    measure = _measure(opened, model, DataConfig(cutoff_len=int(cutoff)))
    told_rows = "".join(_row(entry) for entry in previewed(opened, measure, int(rows or 3)))
    return _legend() + told_rows + _lengths(opened, measure)


def _legend() -> str:
    """What the colours of tokens mean."""
    trained, shown = (parts.safe(tr(f"studio.data.{name}")) for name in ("trained", "not_trained"))
    return (
        f"<div class='legend'><span><i style='background:#a9d8bd'></i>{trained}</span>"
        f"<span><i style='background:#e3e7ea'></i>{shown}</span></div>"
    )


def _row(entry: dict[str, Any]) -> str:
    trained = sum(entry["trained"])
    values = {"row": entry["row"], "tokens": len(entry["ids"]), "trained": trained}
    heading = tr("cli.data.preview_row", **values, part=tr(f"cli.data.part.{entry['part']}"))
    heading += tr("cli.data.preview_cut") if entry["truncated"] else ""
    spans = "".join(
        f"<span class='{'on' if on else ''}' title='{number}'>{parts.safe(text)}</span>"
        for number, text, on in zip(entry["ids"], entry["tokens"], entry["trained"], strict=True)
    )
    return (
        f"<p class='why' style='margin:12px 0 6px'>{parts.safe(heading)}</p><div class='tokens'>{spans}</div>"
    )


def _lengths(opened: Opened, measure: Measure) -> str:
    """How long the rows are in tokens, the cutoff among them."""
    found = stats(opened, measure)
    bins = found.histogram()
    most = max((count for _, _, count in bins), default=1)
    cutoff = measure.cutoff_len
    bars = [_bar(low, high, count, most, cutoff) for low, high, count in bins]
    line = f"<div class='cut'>{parts.safe(tr('studio.data.cut_line', cutoff=cutoff))}</div>"
    bars.insert(sum(low <= cutoff for low, _, _ in bins), line)
    cut = found.truncated(measure.cutoff_len)
    foot = tr("studio.data.cut_rows", cut=cut, rows=len(found.lengths), tokens=f"{found.tokens():,}")
    heading = f"<h2 class='part' style='margin-top:18px'>{parts.safe(tr('studio.data.lengths'))}</h2>"
    return f"{heading}<div class='lens'>{''.join(bars)}</div><p class='small'>{parts.safe(foot)}</p>"


def _bar(low: int, high: int, count: int, most: int, cutoff: int) -> str:
    """One stretch of lengths; what lies behind the cutoff in another colour."""
    return (
        f"<div class='len {'over' if low > cutoff else ''}'><span class='num'>{low:,} – {high:,}</span>"
        f"<i style='width:{100 * count / most:.1f}%'></i><b>{count:,}</b></div>"
    )


def _measure(opened: Opened, model: str, asked: DataConfig) -> Measure:
    """The tokenizer and template of `model`, as its rows would be trained with them."""
    from conch.data.template import ChatTemplate
    from conch.models.load import load_tokenizer
    from conch.models.locate import Request, locate

    settings = ModelConfig(model_name_or_path=model)
    tokenizer = load_tokenizer(locate(Request.of(settings)).folder, settings)
    if opened.format.sample is Document:
        return Measure(ChatTemplate.for_text(tokenizer), asked)
    return Measure(ChatTemplate.of(tokenizer, asked.template, asked.enable_thinking), asked)
