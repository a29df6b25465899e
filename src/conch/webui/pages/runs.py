"""Runs: the queue and the history, and one run by its own address, the same from every browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from conch.core.errors import RunError
from conch.core.text import language, tr
from conch.runs import Run, control, find, store
from conch.runs.curves import Shelf
from conch.runs.follow_up import follow_up
from conch.runs.notify.lost import tell_if_lost
from conch.runs.run import told
from conch.runs.store import is_run
from conch.submit import carry_out, plan_resume
from conch.webui import parts, settings
from conch.webui.handlers import note
from conch.webui.page import Page
from conch.webui.pages import runs_compare, runs_list, runs_one
from conch.webui.words import word

RUN = "new URL(window.location).searchParams.get('run') || ''"
ADDRESS = f"() => [{RUN}]"
"""The run that the address names."""
SEEN = f"(run, seen, find) => [{RUN}, seen, find]"
LEAVE = "(to) => { if (to) window.conch.go(to, { run: '' }); return ['']; }"
CHART = "window.conch.chart(element, props, watch);"
CURVES = {
    "loss": ("loss", "eval_loss"),
    "learning_rate": ("learning_rate",),
    "grad_norm": ("grad_norm",),
    "speed": ("tokens_per_second",),
}
"""Each chart with the figures that it shows."""


def build(page: Page) -> None:
    shelf = Shelf()
    parts.head("runs")
    run = gr.Textbox(visible=False)
    seen = gr.State("")
    with gr.Column(visible=True, min_width=0) as many:
        listed = parts.acting(parts.waiting("studio.loading"), elem_id="runs-list")
        compared = runs_compare.build(page, shelf)
    with gr.Column(visible=False, min_width=0, elem_id="run-one") as one:
        parts_of, find_in = _one()
    where = gr.Textbox(visible=False)
    everything = [many, one, listed, compared, seen, *parts_of.values()]
    board = Board(shelf, len(parts_of))
    for area in (parts_of["detail"], listed, parts_of["checkpoints"]):
        page.acts(area, board.act, [run], [*everything, where], js=ADDRESS).success(
            None, [where], [where], js=LEAVE
        )
    for area in (parts_of["detail"], parts_of["config"]):
        page.acts(area, _again, [run], [page.studio.shared["train.form"], where], js=ADDRESS).success(
            None, [where], [where], js=LEAVE
        )
    page.on(find_in.input, _log, [run, find_in], [parts_of["log"]], trigger_mode="always_last",
            js=f"(run, asked) => [{RUN}, asked]")  # fmt: skip
    page.fresh(board.come, [run, seen, find_in], everything, js=SEEN)
    page.every(2, board.tick, [run, seen, find_in], everything, js=SEEN)


class Board:
    """What the page shows: which of its halves, the list, what is compared, what it was drawn from, and
    the places of one run (`_drawn`)."""

    def __init__(self, shelf: Shelf, places: int) -> None:
        self._shelf = shelf
        self._places = places

    def show(self, name: str, asked: str = "", *, judged: bool = True) -> list[Any]:
        """All of it as it stands now; what a run's curve means only where it is `judged`."""
        found = _known(name)
        if found is None:
            return self._many(store.list_runs(), "")
        halves = gr.update(visible=False), gr.update(visible=True)
        return [*halves, gr.skip(), gr.skip(), *self._one(found, asked, judged)]

    def come(self, name: str, seen: str, asked: str) -> Iterator[list[Any]]:
        """For whoever opens it: a long run's curves do not wait for what they mean."""
        if is_run(name) and not runs_one.is_judged(find(name)):
            yield self.show(name, asked, judged=False)
        yield self.show(name, asked)

    def tick(self, name: str, seen: str, asked: str) -> list[Any]:
        """What is new since the page was last drawn."""
        if not name:
            runs = store.list_runs()
            now = json.dumps([(each.id, _size(each), each.state()) for each in runs[:50]])
            if now != seen:
                return self._many(runs, now)
        elif is_run(name) and _sight(found := find(name)) != seen:
            return [*[gr.skip()] * 4, *self._one(found, asked, judged=True)]
        return [gr.skip()] * (5 + self._places)

    def act(self, name: str, event: gr.EventData) -> list[Any]:
        """The buttons of a run, here or in the list. (One that opens a form is `_again`'s.)"""
        if event.act == "fix":
            return [gr.skip()] * (6 + self._places)
        _does(find(event.key if name == "" else name), event.act, event.key)
        gone = event.act == "remove"
        return [*self.show("" if gone else name), "runs" if gone else gr.skip()]

    def _many(self, runs: Sequence[Run], seen: str) -> list[Any]:
        halves = gr.update(visible=True), gr.update(visible=False)
        lists = runs_list.shown(runs), runs_compare.choices(runs)
        return [*halves, *lists, seen, *[gr.skip()] * self._places]

    def _one(self, run: Run, asked: str, judged: bool) -> list[Any]:
        return [_sight(run), *_drawn(run, self._shelf, asked, judged)]


def _known(name: str) -> Run | None:
    """The run that the address names; None where it names none, or one that is gone."""
    try:
        return find(name) if name else None
    except RunError as error:
        gr.Warning(parts.safe(error.message), duration=6, title=tr("studio.failed"))
        return None


def _again(name: str, event: gr.EventData) -> Any:
    """The form of a follow-up run; nothing where another button was pressed."""
    if event.act != "fix":
        return gr.skip(), gr.skip()
    loaded = follow_up(find(name), [event.key] if event.key else [])
    values = settings.changed(loaded.config.to_flat())
    return json.dumps(settings.document(values)), "train"


def _one() -> tuple[dict[str, Any], Any]:
    """The places of one run's page, in the order of `_drawn`; and the field to search its log with."""
    with gr.Column(elem_classes="card", min_width=0):
        detail = parts.acting(elem_id="run-detail")
    charts = {"loss": _chart("loss")}
    with gr.Row(elem_classes="charts"):
        for name in ("learning_rate", "grad_norm", "speed"):
            charts[name] = _chart(name)
    with gr.Tabs():
        with gr.Tab(word("studio.runs.checkpoints")):
            checkpoints = parts.acting(elem_id="run-checkpoints")
        with gr.Tab(word("studio.runs.samples")):
            samples = parts.html(elem_id="run-samples")
        with gr.Tab(word("studio.runs.log")):
            find_in = gr.Textbox(
                label=word("studio.runs.find"),
                show_label=False,
                placeholder=word("studio.runs.find"),
                elem_id="run-find",
                container=False,
                max_lines=1,
            )
            log = parts.html(elem_id="run-log")
        with gr.Tab(word("studio.runs.settings")):
            config = parts.acting(elem_id="run-config")
    drawn = {"detail": detail, **charts, "checkpoints": checkpoints, "samples": samples, "log": log}
    return {**drawn, "config": config}, find_in


def _chart(name: str) -> gr.HTML:
    return parts.html(js_on_load=CHART, html_template="<div></div>", elem_id=f"chart-{name}", min_width=240)


def _size(run: Run) -> int:
    try:
        return run.events_path.stat().st_size
    except OSError:
        return 0


def _sight(run: Run) -> str:
    """What a drawn page depends on: it is drawn again once this is another."""
    log = run.log_path.stat().st_size if run.log_path.is_file() else 0
    return json.dumps([run.id, _size(run), log, run.state(), len(run.checkpoints()), language()])


def _drawn(run: Run, shelf: Shelf, asked: str, judged: bool) -> list[Any]:
    if run.state() == "lost":
        tell_if_lost(run)
    summary = run.summary()
    curves = shelf.curves(run).shown()
    return [
        runs_one.detail(run, summary, judged=judged),
        *(_curve(name, names, curves) for name, names in CURVES.items()),
        runs_one.checkpoints(run, summary),
        runs_one.samples(run),
        _log(run.id, asked),
        runs_one.config(run),
    ]


def _curve(name: str, names: tuple[str, ...], curves: dict[str, Any]) -> str:
    """One chart as its script wants it; nothing where there is nothing to draw yet."""
    series = [
        {"name": tr(f"studio.runs.curve.{each}"), "points": curves[each], "colour": place,
         "smooth": each != "eval_loss"}
        for place, each in enumerate(names)
        if curves.get(each)
    ]  # fmt: skip
    if not series:
        return ""
    height = 280 if name == "loss" else 160
    return json.dumps(
        {
            "title": tr(f"studio.runs.chart.{name}"),
            "series": series,
            "smoothable": name in {"loss", "grad_norm"} and len(series[0]["points"]) > 10,
            "height": height,
            "words": chart_words(),
        }
    )


def chart_words() -> dict[str, str]:
    return {name: tr(f"studio.chart.{name}") for name in ("log", "smooth", "reset", "step")}


def _log(name: str, asked: str) -> str:
    return runs_one.log(find(name), asked or "") if name else ""


def _does(run: Run, act: str, key: str) -> None:
    """What a button of a run asks for."""
    match act:
        case "stop":
            control.ask_to_stop(run)
            note(tr("studio.runs.stopping"))
        case "save":
            if run.state() != "running":
                raise RunError("runs.not_busy", name=run.id, state=told(run.state()))
            run.ask_to_save()
            note(tr("studio.runs.saving"))
        case "cancel":
            control.cancel(run)
        case "resume":
            carry_out(plan_resume(run))
            note(tr("cli.runs.queued", run=run.id))
        case "from":
            carry_out(plan_resume(run, Path(key)))
            note(tr("cli.runs.queued", run=run.id))
        case "remove":
            store.remove(run)
            note(tr("cli.runs.removed", run=run.id))
