"""Train: what to train, on what and how; what that takes; and the start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from conch.cli.output import size
from conch.config.data import DataConfig
from conch.config.load import Loaded, load_train
from conch.config.model import ModelConfig
from conch.config.train import TrainConfig
from conch.core.errors import ConchError, ConfigErrors
from conch.core.events import Finished
from conch.core.text import language, tr
from conch.data.reading import files_of
from conch.data.sources import asked_dataset
from conch.models import inventory
from conch.models.fit import USABLE
from conch.models.hardware import find_room
from conch.models.locate import Request, find
from conch.runs import store
from conch.runs.follow import read_last
from conch.submit import check, submit
from conch.webui import parts, settings
from conch.webui.handlers import note
from conch.webui.page import BUSY, Page
from conch.webui.words import word

if TYPE_CHECKING:  # it needs torch
    from conch.training.plan import Plan

BOTH = "() => [window.conch.settings(), window.conch.request()]"
TO_RUN = "(run) => { if (run) window.conch.go('runs', { run }); return []; }"
FORM = "window.conch.form(element, props, watch, trigger); /* 'changed' */"


def build(page: Page) -> None:
    parts.head("train")
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_classes="card"):
            form = parts.html(js_on_load=FORM, html_template="<div></div>", elem_id="train-form")
        with (
            gr.Column(scale=3, min_width=300, elem_id="train-side"),
            gr.Column(elem_classes="card", min_width=0),
        ):
            parts.part("studio.train.takes")
            estimate = parts.acting(parts.waiting("studio.train.judging"), elem_id="train-estimate")
            start = gr.Button(word("studio.train.start"), variant="primary", elem_id="train-start")
            with gr.Accordion(word("studio.train.shell"), open=False, elem_id="train-shell"):
                command = parts.acting(elem_id="train-command")
            with gr.Accordion(word("studio.train.yaml"), open=False):
                file = parts.acting(elem_id="train-yaml")
                load = gr.UploadButton(
                    word("studio.train.load"),
                    file_types=[".yaml", ".yml", ".json"],
                    elem_id="train-load",
                    size="sm",
                )
            clear = gr.Button(word("studio.train.clear"), size="sm", elem_id="train-clear")
    given = gr.Textbox(visible=False)
    request = gr.Textbox(visible=False)
    blame = gr.Textbox(visible=False)
    made = gr.Textbox(visible=False)

    def changed(event: gr.EventData) -> Iterator[Any]:
        yield from _judged(event.settings)

    def started(given: str, request: str) -> str:
        loaded = settings.loaded(given)
        run = submit(loaded.config, f"studio-{request}")
        note(tr("studio.train.started", run=run.id))
        return run.id

    def read(path: str) -> Any:
        loaded = load_train(Path(path))
        return json.dumps(settings.document(settings.changed(loaded.config.to_flat())))

    shown = [estimate, command, file, blame]
    judged = page.on(form.changed, changed, None, shown, trigger_mode="always_last")
    page.on(judged.then, None, None, None, js="() => { window.conch.judged(); return []; }")
    page.on(
        blame.change,
        None,
        [blame],
        None,
        js="(found) => { window.conch.blame(JSON.parse(found || '{}')); return []; }",
    )
    begun = page.on(start.click, started, [given, request], [made], js=BOTH, trigger_mode="once", **BUSY)
    begun.success(None, [made], None, js=TO_RUN)
    page.on(load.upload, read, [load], [form])
    page.on(clear.click, None, None, None, js="() => { window.conch.forget(); return []; }")
    page.fresh(lambda: json.dumps(settings.document()), [], [form])
    page.studio.shared["train.form"] = form


def _judged(given: str) -> Iterator[tuple[Any, str, str, str]]:
    """The estimate, the same in the shell and as a file, and which keys are to blame.

    The estimate comes last: the first of all imports torch.
    """
    command = parts.shell(settings.command(given))
    text = settings.as_yaml(given)
    save = parts.button(tr("studio.train.save"), "download", "train.yaml", kind="first")
    file = parts.Html(
        f"<div class='copied'><pre class='log'>{parts.safe(text)}</pre></div>{parts.buttons(save)}"
    )
    try:
        loaded = settings.loaded(given)
    except ConfigErrors as errors:
        blamed = {problem.key: problem.expected for problem in errors.problems if problem.value}
        yield _blockers(errors), command, file, json.dumps(blamed)
        return
    yield gr.skip(), command, file, "{}"
    yield _estimate(loaded), command, file, "{}"


def _blockers(errors: ConfigErrors) -> str:
    """What stands in the way, key by key."""
    lines = []
    for problem in errors.problems:
        if problem.key == "model_name_or_path" and not problem.value:
            lines.append(tr("studio.train.no_model"))
        elif problem.key == "dataset" and not problem.value:
            lines.append(tr("studio.train.no_dataset"))
        else:
            lines.append(problem.sentence())
    told = "".join(f"<li>{parts.safe(line)}</li>" for line in lines)
    heading = parts.safe(tr("studio.train.blocked"))
    return parts.note(parts.Html(f"<b>{heading}</b><ul>{told}</ul>"), "warn")


def _estimate(loaded: Loaded) -> str:
    config = loaded.config
    try:
        named = config.model.model_name_or_path
        if not _is_here(config.model):
            go = parts.link(tr("studio.nav.models"), "models")
            told = parts.Html(f"{parts.safe(tr('studio.train.not_here', name=named))} {go}")
            return parts.note(told, "warn")
        check(config)
        figures = _figures(config)
    except ConchError as error:
        words = f"<b>{parts.safe(tr('studio.train.blocked'))}</b><br>{parts.safe(error.message)}"
        hint = f"<br><span class='dim'>{parts.safe(error.hint)}</span>" if error.hint else ""
        return parts.note(parts.Html(words + hint), "bad")
    return figures + "".join(parts.note(warning, "warn") for warning in loaded.warnings)


def _is_here(model: ModelConfig) -> bool:
    """Whether nothing would have to be fetched; what `find` doesn't know may be a starter."""
    if find(Request.of(model)) is not None:
        return True
    return any(entry.name == model.model_name_or_path and entry.folder for entry in inventory.entries())


@lru_cache(maxsize=32)
def _planned(flat: str, stamps: tuple[int, ...], spoken: str) -> Plan:
    """The plan of `conch train --dry-run` for settings, files of data as they stood, and a language."""
    from conch.training.plan import make_plan

    return make_plan(load_train(values=json.loads(flat)).config)


def _plan(config: TrainConfig) -> Plan:
    flat = json.dumps(config.to_flat(), sort_keys=True, default=str)
    return _planned(flat, tuple(_stamps(config.data)), language())


def _stamps(data: DataConfig) -> Iterator[int]:
    """When each file of the datasets was changed last; a hub is not asked for that."""
    for name in (*data.dataset, *data.eval_dataset):
        dataset = asked_dataset(name, data)
        for file in () if dataset.hubs else files_of(dataset):
            yield file.path.stat().st_mtime_ns


def _figures(config: TrainConfig) -> str:
    """What the training takes on this machine, and how long by the runs so far."""
    plan = _plan(config)
    room = find_room()
    memory, there = plan.memory.total, USABLE * room.bytes
    told = parts.facts(
        [
            (tr("studio.train.memory"), size(memory)),
            (tr("studio.train.steps"), f"{plan.steps:,}"),
            (tr("studio.train.time"), _time(config, plan)),
            (tr("studio.train.rows"), "-" if plan.train_rows is None else f"{plan.train_rows:,}"),
            (tr("studio.train.tokens"), "-" if plan.tokens is None else f"{plan.tokens:,}"),
            (tr("studio.train.trainable"), f"{plan.trainable_parameters / 1e6:.2f} M"),
        ]
    )
    share = memory / room.bytes if room.bytes else 0
    words = tr("studio.train.of_memory", share=f"{100 * share:.0f}", size=size(room.bytes), device=room.name)
    fits = f"{parts.bar(share)}<p class='small'>{parts.safe(words)}</p>"
    if memory > there:
        fits += parts.note(tr("studio.train.too_much"), "bad")
    if plan.truncated_rows:
        fits += parts.note(
            tr("studio.train.cut", count=plan.truncated_rows, cutoff=config.data.cutoff_len), "warn"
        )
    fits += "".join(parts.note(warning, "warn") for warning in plan.warnings)
    return f"{told}<div style='margin:14px 0 0'>{fits}</div>"


def _time(config: TrainConfig, plan: Plan) -> str:
    """How long it takes, by the speed of the last run of the same model and method."""
    speed = _speed(config)
    if speed is None or plan.tokens is None:
        return tr("studio.train.no_time")
    tokens = plan.tokens * plan.epochs
    if config.optimisation.max_steps > 0 and plan.train_rows:
        tokens = min(tokens, plan.tokens * plan.steps * plan.batch_rows / plan.train_rows)
    return _about(tokens / speed)


def _about(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, size_of in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size_of:
            count = seconds / size_of
            told = f"{count:.0f}" if count >= 10 else f"{count:.1f}".removesuffix(".0")
            return tr(f"studio.train.about_{unit}", count=told)
    return tr("studio.train.about_seconds", count=max(1, round(seconds)))


def _speed(config: TrainConfig) -> float | None:
    for run in store.list_runs()[:50]:
        flat = run.flat_config()
        same = flat.get("finetuning_type") == config.method.finetuning_type
        if same and str(flat.get("model_name_or_path")) == config.model.model_name_or_path:
            end = read_last(run.events_path, Finished)
            if isinstance(end, Finished) and end.tokens_per_second:
                return end.tokens_per_second
    return None
