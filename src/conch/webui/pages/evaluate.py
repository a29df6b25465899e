"""Evaluate: what a model answers to a dataset, beside what it was tuned from; row by row, and blind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import gradio as gr

from conch.core import env
from conch.core.files import exists, expanded
from conch.core.text import tr
from conch.data import registry
from conch.evaluation.marks import METRICS
from conch.webui import choices, jobs, jobs_shown, parts
from conch.webui.handlers import note, told
from conch.webui.jobs import Job
from conch.webui.page import Page
from conch.webui.pages import evaluate_one
from conch.webui.words import word

KIND = "evaluation"
ALONE, BASE, GENERAL = "", "base:", "general:"
ROWS = "50"
CAME = (
    "(asked, ...more) => { const at = new URL(window.location);"
    " return [at.searchParams.get('model') || '', ...more]; }"
)


def build(page: Page) -> None:
    parts.head("evaluate")
    asked, seen = gr.Textbox(visible=False), gr.State("")
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.evaluate.make")
        fields, start = _form()
    opened = evaluate_one.build(page)
    listed = parts.acting(elem_id="evaluate-list")
    model, beside, rows = fields[:3]
    page.on(start.click, _start, fields, [listed, seen], trigger_mode="once")
    page.acts(listed, _act, None, [listed, seen, *opened])
    page.every(1, _tick, [seen], [listed, seen])
    page.fresh(_come, [asked, model, beside, rows], [model, beside, rows, listed, seen], js=CAME)


def _form() -> tuple[list[Any], Any]:
    """Fields in the order of `_start`."""
    with gr.Row():
        model = gr.Dropdown(
            [],
            label=word("studio.evaluate.model"),
            info=word("studio.evaluate.model_why"),
            allow_custom_value=True,
            elem_id="evaluate-model",
            min_width=220,
        )
        beside = gr.Dropdown(
            [],
            label=word("studio.evaluate.beside"),
            info=word("studio.evaluate.beside_why"),
            allow_custom_value=True,
            elem_id="evaluate-beside",
            min_width=220,
        )
        rows = gr.Dropdown(
            [],
            label=word("studio.evaluate.rows"),
            info=word("studio.evaluate.rows_why"),
            allow_custom_value=True,
            elem_id="evaluate-rows",
            min_width=220,
        )
    with gr.Row():
        most = gr.Textbox(
            ROWS,
            label=word("studio.evaluate.most"),
            info=word("studio.evaluate.most_why"),
            elem_id="evaluate-most",
            max_lines=1,
            min_width=160,
        )
        longest = gr.Textbox(
            label=word("studio.chat.max_tokens"),
            info=word("studio.evaluate.longest_why"),
            elem_id="evaluate-longest",
            max_lines=1,
            min_width=160,
        )
        metric = gr.Dropdown(
            [(word("studio.evaluate.usual"), ""), *((word(f"evaluation.{name}"), name) for name in METRICS)],
            value="",
            label=word("studio.evaluate.metric"),
            info=word("studio.evaluate.metric_why"),
            elem_id="evaluate-metric",
            min_width=200,
        )
    with gr.Row(elem_classes="row-actions"):
        start = gr.Button(word("studio.evaluate.start"), variant="primary", elem_id="evaluate-start")
    return [model, beside, rows, most, longest, metric], start


def _start(
    model: str | None, beside: str | None, rows: str | None, most: str, longest: str, metric: str
) -> tuple[str, str]:
    """`conch compare`, or `conch predict` for one model alone, as a job."""
    if not model:
        raise told(tr("studio.chat.no_model"), tr("studio.chat.no_model.what"))
    if not rows:
        raise told(tr("studio.evaluate.no_rows"), tr("studio.evaluate.rows_why"))
    folder = env.home() / "evaluations" / time.strftime("%Y%m%d-%H%M%S")
    bounds = {"max_samples": _count(most), "max_new_tokens": _count(longest)}
    if beside == ALONE:
        words = _predict(_placed(model), rows, bounds, folder)
    else:
        words = _compare(_base(model, beside), _placed(model), rows, bounds, folder)
        words += ["--metric", metric] if metric else []
    jobs.start(KIND, words, {"model": model, "beside": beside, "rows": rows, "folder": str(folder)})
    note(tr("studio.evaluate.started"))
    return _list(), jobs_shown.sight(jobs.jobs(KIND))


def _compare(a: str, b: str, rows: str, bounds: dict[str, int | None], folder: Path) -> list[str]:
    words = ["compare", a, b, "--to", str(folder)]
    if rows != GENERAL:
        words += ["--prompts" if rows.endswith(".txt") else "--dataset", _placed(rows)]
    for key, value in bounds.items():
        words += [f"--{key.replace('_', '-')}", str(value)] if value else []
    return words


def _predict(model: str, rows: str, bounds: dict[str, int | None], folder: Path) -> list[str]:
    if rows == GENERAL or rows.endswith(".txt"):
        raise told(tr("studio.evaluate.two_needed"), tr("studio.evaluate.two_needed.what"))
    keys = {"model_name_or_path": model, "eval_dataset": _placed(rows), "output_dir": folder, **bounds}
    return ["predict", *(f"{key}={value}" for key, value in keys.items() if value is not None)]


def _base(model: str, beside: str | None) -> str:
    if beside != BASE:
        return _placed(beside or "")
    base = choices.base_of(model)
    if base is None:
        raise told(tr("studio.chat.no_base"), tr("studio.chat.no_base.what"))
    return base


def _placed(given: str) -> str:
    """A path as one that means the same in any folder."""
    return str(expanded(given).absolute()) if exists(expanded(given)) else given


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise told(tr("studio.evaluate.no_count", text=text))
    return int(text)


def _come(wanted: str, model: str | None, beside: str | None, rows: str | None) -> list[Any]:
    known = choices.models()
    first = wanted or model or next((value for _, value in known), None)
    others = [(tr("studio.chat.base"), BASE), (tr("studio.evaluate.alone"), ALONE), *known]
    names = [(name, name) for name in registry.names(None)]
    asked = [*names, (tr("evaluation.general"), GENERAL)]
    return [
        gr.update(choices=known, value=first),
        gr.update(choices=others, value=beside if model else BASE),
        gr.update(choices=asked, value=rows or next((value for _, value in asked), None)),
        _list(),
        jobs_shown.sight(jobs.jobs(KIND)),
    ]


def _tick(seen: str) -> tuple[Any, str]:
    return jobs_shown.redrawn(jobs.jobs(KIND), seen, _list, gr.skip())


def _act(event: gr.EventData) -> list[Any]:
    job = jobs.find(KIND, event.key)
    if job is not None and event.act == "open":
        return [gr.skip(), gr.skip(), *evaluate_one.show(Path(str(job.about["folder"])))]
    if job is not None and event.act == "stop":
        job.stop()
    elif job is not None and event.act == "forget":
        jobs.forget(job)
    return [_list(), jobs_shown.sight(jobs.jobs(KIND)), *evaluate_one.unchanged()]


def _list() -> str:
    found = jobs.jobs(KIND)
    if not found:
        return parts.empty(tr("studio.evaluate.none"), tr("studio.evaluate.none_what"))
    return "".join(map(_shown, found))


def _shown(job: Job) -> str:
    state = job.state()
    does = [jobs_shown.leaving(job, state)]
    if state == "done":
        does.insert(0, parts.button(tr("studio.evaluate.open"), "open", job.id, kind="first"))
    inner = [jobs_shown.head(_title(job), jobs_shown.tag(state), job, *does), jobs_shown.trouble(job, state)]
    if state == "working":
        inner.append(jobs_shown.going(job))
    if state == "done":
        inner.append(evaluate_one.outcome(Path(str(job.about["folder"]))))
    return jobs_shown.card(job, *inner, jobs_shown.command(job))


def _title(job: Job) -> str:
    about = job.about
    rows = tr("evaluation.general") if about["rows"] == GENERAL else Path(str(about["rows"])).name
    name = choices.name_of(str(about["model"]))
    if about["beside"] == ALONE:
        return tr("studio.evaluate.title_one", model=name, rows=rows)
    other = tr("studio.chat.base") if about["beside"] == BASE else choices.name_of(str(about["beside"]))
    return tr("studio.evaluate.title", model=name, other=other, rows=rows)
