"""Exports: merged folders, GGUF files, folders for Ollama. Each is the command `conch export`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import gradio as gr

from conch.cli.output import size
from conch.config.export import GgufType
from conch.core import env
from conch.core.files import exists, expanded
from conch.core.text import tr
from conch.webui import choices, jobs, jobs_shown, parts
from conch.webui.handlers import note, told
from conch.webui.jobs import Job
from conch.webui.page import Page
from conch.webui.words import word

KIND = "export"
FORMATS = ("safetensors", "gguf", "ollama")
TYPES = get_args(get_args(GgufType)[0])
USUAL_TYPE = "q8_0"
CAME = (
    "(asked, model) => { const at = new URL(window.location);"
    " return [at.searchParams.get('model') || '', model]; }"
)


def build(page: Page, asked: Any) -> None:
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.export.make")
        fields, start, command = _form()
    listed = parts.acting(elem_id="export-list")
    seen = gr.State("")
    model, form, _, _ = fields
    page.on(start.click, _start, fields, [listed, seen], trigger_mode="once")
    page.on(form.change, lambda form: gr.update(visible=form != "safetensors"), [form], [fields[2]])
    for field in fields:
        page.on(field.change, _command, fields, [command])
    page.acts(listed, _act, None, [listed, seen])
    page.every(1, _tick, [seen], [listed, seen])
    page.fresh(_come, [asked, model], [model, listed, seen], js=CAME)


def _form() -> tuple[list[Any], Any, Any]:
    with gr.Row():
        model = gr.Dropdown(
            [],
            label=word("studio.export.model"),
            info=word("studio.export.model_why"),
            allow_custom_value=True,
            elem_id="export-model",
            min_width=240,
        )
        form = gr.Radio(
            [(word(f"studio.export.format.{name}"), name) for name in FORMATS],
            value="safetensors",
            label=word("studio.export.format"),
            info=word("studio.export.format_why"),
            elem_id="export-format",
            min_width=280,
        )
    with gr.Row():
        kind = gr.Dropdown(
            list(TYPES),
            value=USUAL_TYPE,
            label=word("studio.export.type"),
            info=word("studio.export.type_why"),
            visible=False,
            elem_id="export-type",
            min_width=200,
        )
        folder = gr.Textbox(
            label=word("studio.export.folder"),
            info=word("studio.export.folder_why"),
            placeholder=word("studio.export.folder_auto"),
            elem_id="export-folder",
            max_lines=1,
            min_width=240,
        )
    with gr.Row(elem_classes="row-actions"):
        start = gr.Button(word("studio.export.start"), variant="primary", elem_id="export-start")
    command = parts.acting(elem_id="export-command")
    return [model, form, kind, folder], start, command


def _words(model: str | None, form: str, kind: str, folder: str) -> tuple[str, ...]:
    """The command line behind `conch`."""
    if not model:
        raise told(tr("studio.chat.no_model"), tr("studio.chat.no_model.what"))
    source = str(expanded(model).absolute()) if exists(expanded(model)) else model
    target = expanded(folder.strip()).absolute() if folder.strip() else free_folder(model, form)
    words = ("export", source, "--to", str(target), "--format", form)
    return words if form == "safetensors" else (*words, "--type", kind)


def free_folder(model: str, form: str) -> Path:
    """Where an export of `model` goes unless it is said: below the home, under a name that is free."""
    name = (
        Path(model).parent.parent.name + "-" + Path(model).name if "/output/" in model else Path(model).name
    )
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)
    folder = env.home() / "exports"
    numbered = (f"{plain}-{form}{f'-{number}' if number > 1 else ''}" for number in range(1, 10_000))
    taken = {str(job.about.get("folder")) for job in jobs.jobs(KIND) if job.is_alive()}
    return next(
        folder / each for each in numbered if not (folder / each).exists() and str(folder / each) not in taken
    )


def _start(model: str | None, form: str, kind: str, folder: str) -> tuple[str, str]:
    words = _words(model, form, kind, folder)
    target = words[3]
    for job in jobs.jobs(KIND):
        if job.about.get("folder") == target and job.is_alive():
            raise told(tr("studio.export.busy", folder=target))
    jobs.start(KIND, words, {"folder": target, "model": model, "format": form})
    note(tr("studio.export.started"))
    return _list(), jobs_shown.sight(jobs.jobs(KIND))


def _command(model: str | None, form: str, kind: str, folder: str) -> str:
    """The same in the shell."""
    if not model:
        return ""
    import shlex

    return parts.shell(f"conch {shlex.join(_words(model, form, kind, folder))}")


def _come(wanted: str, model: str | None) -> list[Any]:
    known = choices.models()
    first = wanted or model or next((value for _, value in known), None)
    return [gr.update(choices=known, value=first), _list(), jobs_shown.sight(jobs.jobs(KIND))]


def _tick(seen: str) -> tuple[Any, str]:
    return jobs_shown.redrawn(jobs.jobs(KIND), seen, _list, gr.skip())


def _act(event: gr.EventData) -> tuple[str, str]:
    job = jobs.find(KIND, event.key)
    if job is not None and event.act == "stop":
        job.stop()
    elif job is not None and event.act == "forget":
        jobs.forget(job)
    return _list(), jobs_shown.sight(jobs.jobs(KIND))


def _list() -> str:
    found = jobs.jobs(KIND)
    if not found:
        return parts.empty(tr("studio.export.none"), tr("studio.export.none_what"))
    return "".join(map(_shown, found))


def _shown(job: Job) -> str:
    state = job.state()
    title = Path(str(job.about.get("folder", ""))).name
    does = [jobs_shown.leaving(job, state)]
    if state == "done":
        does.insert(0, parts.opening(tr("studio.nav.chat"), "chat", model=str(job.told()["folder"])))
    inner = [jobs_shown.head(title, jobs_shown.tag(state), job, *does), jobs_shown.trouble(job, state)]
    if state == "working":
        inner.append(jobs_shown.going(job))
    if state == "done":
        inner.append(_report(job.told()))
    return jobs_shown.card(job, *inner, jobs_shown.command(job))


def _report(report: dict[str, Any]) -> str:
    """What was written, and the proof in words."""
    proof = report["proof"]
    verdict = tr("studio.export.holds" if proof["holds"] else "studio.export.differs", count=proof["prompts"])
    checks = "".join(_check(check) for check in proof["checks"])
    facts = parts.facts(
        [
            (tr("studio.export.size"), size(report["bytes"])),
            (tr("studio.export.dtype"), report["dtype"]),
        ]
    )
    told_proof = f"<b>{parts.safe(verdict)}</b><ul class='checks'>{checks}</ul>"
    proved = parts.note(parts.Html(told_proof), "good" if proof["holds"] else "bad")
    path = f"<div class='small path'>{parts.safe(report['file'] or report['folder'])}</div>"
    return (
        f"{path}{facts}<div style='margin:12px 0'>{proved}</div>{_answers(proof['answers'])}{_next(report)}"
    )


def _check(found: dict[str, Any]) -> str:
    from conch.exporting.checks import Check  # what the shell says of it

    measured = math.inf if found["found"] is None else found["found"]
    check = Check(found["name"], measured, found["allowed"], found["holds"])
    return f"<li>{'✓' if check.holds else '✗'} {parts.safe(check.sentence)}</li>"


def _answers(answers: list[dict[str, Any]]) -> str:
    """What source and export said to the fixed prompts."""
    if not answers:
        return ""
    heads = [tr(f"studio.export.answer.{name}") for name in ("prompt", "source", "export")]
    rows = [[each["prompt"], _cell(each["source"]), _cell(each["export"])] for each in answers]
    title = parts.safe(tr("studio.export.answers"))
    return f"<details class='more'><summary>{title}</summary>{parts.table(heads, rows)}</details>"


def _cell(text: str) -> parts.Html:
    return parts.Html(f"<div class='cell'>{parts.safe(text)}</div>")


def _next(report: dict[str, Any]) -> str:
    """What to do with it, as the shell says."""
    folder = report["folder"]
    if report["format"] == "adapter":
        return ""
    words = tr(f"cli.export.next_{report['format']}", folder=folder, name=Path(folder).name)
    return f"<p class='small next'>{'<br>'.join(map(parts.safe, words.splitlines()))}</p>"
