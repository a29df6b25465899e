"""One dataset: what a check finds in it, its rows, and its tokens as a model would be trained on them."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from conch.cli.data_report import previewed
from conch.config.data import DataConfig
from conch.config.model import ModelConfig
from conch.core.conversation import Document
from conch.core.text import tr
from conch.data.check import Report, check, severity_of
from conch.data.measure import Measure
from conch.data.reading import STAGES, Opened, open_dataset
from conch.data.registry import own_folder
from conch.data.repair import repair
from conch.data.rows import Fault
from conch.data.sources import find_dataset
from conch.data.stats import stats
from conch.models import inventory
from conch.webui import parts
from conch.webui.handlers import told
from conch.webui.page import Page
from conch.webui.words import word

ON_A_SHEET = 10
SHOWN = 5
"""Findings of one rule that are shown."""
CUTOFFS = (256, 512, 1024, 2048, 4096, 8192)


def build(page: Page) -> list[Any]:
    """The panel of one dataset; returns the components that `show` fills."""
    with gr.Column(visible=False, elem_classes="card", elem_id="data-open", min_width=0) as box:
        title = parts.html()
        name = gr.State("")
        with gr.Tabs():
            with gr.Tab(word("studio.data.tab.check")):
                report = parts.html(elem_id="data-report")
                with gr.Row(elem_classes="row-actions"):
                    clean = gr.Button(word("studio.data.clean"), elem_id="data-clean")
                cleaned = parts.html()
            with gr.Tab(word("studio.data.tab.rows")):
                rows = parts.html(elem_id="data-rows")
                with gr.Row(elem_classes="row-actions"):
                    back = gr.Button(word("studio.data.back"))
                    sheet = gr.Number(
                        1, minimum=1, precision=0, show_label=False, container=False, min_width=70
                    )
                    forth = gr.Button(word("studio.data.forth"))
            with gr.Tab(word("studio.data.tab.tokens")):
                with gr.Row():
                    model = gr.Dropdown(
                        [],
                        label=word("studio.data.model"),
                        allow_custom_value=True,
                        elem_id="data-model",
                        min_width=200,
                    )
                    cutoff = gr.Dropdown(
                        list(CUTOFFS), value=2048, label=word("studio.data.cutoff"), min_width=140
                    )
                    number = gr.Number(
                        3,
                        minimum=1,
                        maximum=20,
                        precision=0,
                        label=word("studio.data.preview_rows"),
                        min_width=120,
                    )
                with gr.Row(elem_classes="row-actions"):
                    see = gr.Button(word("studio.data.see"), variant="primary", elem_id="data-see")
                tokens = parts.html(elem_id="data-tokens")
    page.on(see.click, _tokens, [name, model, cutoff, number], [tokens], show_progress="minimal")
    page.on(sheet.change, _rows, [name, sheet], [rows])
    page.on(back.click, lambda at: max(1, int(at or 1) - 1), [sheet], [sheet])
    page.on(forth.click, lambda at: int(at or 1) + 1, [sheet], [sheet])
    page.on(clean.click, _clean, [name], [cleaned], show_progress="minimal")
    page.fresh(_retold, [name], [title, report, rows])
    return [title, box, report, rows, sheet, tokens, model, name, cleaned]


def hidden() -> list[Any]:
    return [gr.skip(), gr.update(visible=False), *[gr.skip()] * 5, "", ""]


def show(name: str) -> list[Any]:
    """Everything of the dataset called `name`, its tokens aside."""
    opened = open_dataset(find_dataset(name))
    models = [entry.name for entry in inventory.entries()]
    choice = gr.update(choices=models, value=models[0]) if models else gr.update(choices=[])
    found, first = _report(check(opened)), _sheet(opened, 1)
    return [_title(name, opened), gr.update(visible=True), found, first, 1, "", choice, name, ""]


def _retold(name: str) -> Any:
    if not name:
        return gr.skip(), gr.skip(), gr.skip()
    opened = open_dataset(find_dataset(name))
    return _title(name, opened), _report(check(opened)), gr.skip()


def _title(name: str, opened: Opened) -> str:
    columns = ", ".join(f"{part} = {column}" for part, column in opened.columns.items())
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


def _clean(name: str) -> str:
    """A copy without the bad rows, beside the registry; the original stays as it is."""
    if not name:
        return ""
    report = check(open_dataset(find_dataset(name)))
    folder = _free(own_folder() / "cleaned" / name)
    done = repair(report, folder)
    return parts.note(tr("check.mended", **done.to_dict()), "good")


def _free(folder: Path) -> Path:
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000))
    return next(each for each in (folder, *numbered) if not each.exists())


def _rows(name: str, sheet: float | None) -> str:
    return _sheet(open_dataset(find_dataset(name)), int(sheet or 1)) if name else ""


def _sheet(opened: Opened, sheet: int) -> str:
    begin = (max(1, sheet) - 1) * ON_A_SHEET
    found = list(islice(opened.items(), begin, begin + ON_A_SHEET))
    if not found:
        return parts.empty(tr("studio.data.no_more_rows"), "")
    keys: dict[str, None] = {}
    for item in found:
        if not isinstance(item, Fault):
            keys |= dict.fromkeys(map(str, item.values))
    rows = []
    for number, item in enumerate(found, begin + 1):
        if isinstance(item, Fault):
            rows.append([number, parts.Html(f"<span class='bad'>{parts.safe(item.error.message)}</span>")])
            continue
        rows.append([number, *(_cell(item.values.get(key)) for key in keys)])
    return parts.table(["", *keys], rows)


def _cell(value: Any) -> Any:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return parts.Html(f"<div class='cell'>{parts.safe(text[:1200])}{'…' if len(text) > 1200 else ''}</div>")


def _tokens(name: str, model: str | None, cutoff: int, rows: float | None) -> str:
    """The tokens of the first rows, those that are trained marked, and how long all rows are."""
    if not model:
        raise told(tr("studio.data.no_model"), tr("studio.data.no_model.what"))
    opened = open_dataset(find_dataset(name))
    measure = _measure(opened, model, DataConfig(cutoff_len=int(cutoff)))
    told_rows = "".join(_row(entry) for entry in previewed(opened, measure, int(rows or 3)))
    return told_rows + _lengths(opened, measure)


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
    bars = []
    for low, high, count in bins:
        over = "over" if low > measure.cutoff_len else ""
        bars.append(
            f"<div class='len {over}'><span class='num'>{low:,} – {high:,}</span>"
            f"<i style='width:{100 * count / most:.1f}%'></i><b>{count:,}</b></div>"
        )
        if low <= measure.cutoff_len < high or measure.cutoff_len == high:
            bars.append(
                f"<div class='cut'>{parts.safe(tr('studio.data.cut_line', cutoff=measure.cutoff_len))}</div>"
            )
    cut = found.truncated(measure.cutoff_len)
    foot = tr("studio.data.cut_rows", cut=cut, rows=len(found.lengths), tokens=f"{found.tokens():,}")
    heading = f"<h2 class='part' style='margin-top:18px'>{parts.safe(tr('studio.data.lengths'))}</h2>"
    return f"{heading}<div class='lens'>{''.join(bars)}</div><p class='small'>{parts.safe(foot)}</p>"


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
