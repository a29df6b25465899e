"""Servers of the API, each `conch serve` in a process of its own: they go on when the studio ends."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

from conch.core.files import exists, expanded
from conch.core.text import tr
from conch.server.auth import is_loopback
from conch.webui import choices, jobs, jobs_shown, parts
from conch.webui.calls import calls
from conch.webui.handlers import note, told
from conch.webui.jobs import Job
from conch.webui.page import Page
from conch.webui.pages.machine_keys import shown_once
from conch.webui.words import word

KIND = "served"
REACH = {"here": "127.0.0.1", "everywhere": "0.0.0.0"}
ENGINES = ("auto", "llamacpp", "transformers")
TYPES = ("f16", "q8_0", "bf16", "f32")


def build(page: Page) -> None:
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.serve.start")
        fields, start = _form()
        made = parts.acting(elem_id="serve-key")
    listed = parts.acting(elem_id="serve-list")
    seen = gr.State("")
    page.on(start.click, _start, fields, [made, listed, seen], trigger_mode="once")
    page.acts(listed, _act, None, [made, listed, seen])
    page.every(1, _tick, [seen], [listed, seen])
    page.fresh(_come, [fields[0]], [fields[0], fields[1], made, listed, seen])


def _form() -> tuple[list[Any], Any]:
    with gr.Row():
        model = gr.Dropdown(
            [],
            label=word("studio.serve.model"),
            info=word("studio.serve.model_why"),
            allow_custom_value=True,
            elem_id="serve-model",
            min_width=240,
        )
        adapters = gr.Dropdown(
            [],
            multiselect=True,
            label=word("studio.serve.adapters"),
            info=word("studio.serve.adapters_why"),
            elem_id="serve-adapters",
            min_width=240,
        )
    with gr.Row():
        reach = gr.Radio(
            [(word(f"studio.serve.reach.{name}"), name) for name in REACH],
            value="here",
            label=word("studio.serve.reach"),
            info=word("studio.serve.reach_why"),
            elem_id="serve-reach",
            min_width=280,
        )
        port = gr.Textbox(
            "8000",
            label=word("studio.serve.port"),
            info=word("studio.serve.port_why"),
            elem_id="serve-port",
            max_lines=1,
            min_width=120,
        )
    with gr.Accordion(word("studio.serve.more"), open=False, elem_id="serve-more"), gr.Row():
        name = gr.Textbox(
            label=word("studio.serve.name"), info=word("studio.serve.name_why"), max_lines=1, min_width=180
        )
        engine = gr.Dropdown(
            list(ENGINES),
            value="auto",
            label=word("studio.serve.engine"),
            info=word("studio.serve.engine_why"),
            min_width=180,
        )
        kind = gr.Dropdown(
            list(TYPES),
            value="f16",
            label=word("studio.serve.type"),
            info=word("studio.serve.type_why"),
            min_width=180,
        )
        lock = gr.Checkbox(label=word("studio.serve.lock"), info=word("studio.serve.lock_why"), min_width=180)
    with gr.Row(elem_classes="row-actions"):
        start = gr.Button(word("studio.serve.go"), variant="primary", elem_id="serve-start")
    return [model, adapters, reach, port, name, engine, kind, lock], start


def _start(
    model: str | None,
    adapters: list[str],
    reach: str,
    port: str,
    name: str,
    engine: str,
    kind: str,
    lock: bool,
) -> tuple[str, str, str]:
    """Start a server. The key that it asks for is shown now, and never again."""
    if not model:
        raise told(tr("studio.chat.no_model"), tr("studio.chat.no_model.what"))
    host = REACH[reach]
    words = ["serve", _placed(model), "--host", host, "--port", _port(port), "--engine", engine]
    words += ["--gguf-type", kind]
    words += ["--name", name.strip()] if (name or "").strip() else []
    for adapter in adapters or ():
        words += ["--adapter", f"{adapter}={adapter}"]
    locked = lock or not is_loopback(host)
    words += ["--require-key"] if lock and is_loopback(host) else []
    key = secrets.token_urlsafe(24) if locked else ""
    jobs.start(KIND, words, {"model": model, "locked": locked}, hidden={"CONCH_API_KEY": key})
    note(tr("studio.serve.started"))
    shown = shown_once(tr("studio.serve.key"), key) if locked else ""
    return shown, _list(), _sight()


def _placed(model: str) -> str:
    return str(expanded(model).absolute()) if exists(expanded(model)) else model


def _port(text: str) -> str:
    text = (text or "").strip()
    if not text.isdigit() or not int(text) < 65536:
        raise told(tr("studio.serve.no_port", text=text))
    return text


def _come(model: str | None) -> list[Any]:
    known = [*_exports(), *choices.models()]
    first = model or next((value for _, value in known), None)
    adapters = [pair for pair in choices.models() if choices.is_adapter(pair[1])]
    return [
        gr.update(choices=known, value=first),
        gr.update(choices=adapters),
        "",  # a key is shown once
        _list(),
        _sight(),
    ]


def _exports() -> list[tuple[str, str]]:
    """What was exported from here: folders that are models."""
    found = [job.told() for job in jobs.jobs("export") if job.state() == "done"]
    folders = [str(report["folder"]) for report in found]
    return [(tr("studio.serve.exported", name=folder.rpartition("/")[2]), folder) for folder in folders
            if exists(expanded(folder))]  # fmt: skip


def _sight() -> str:
    return jobs_shown.sight(jobs.jobs(KIND))


def _tick(seen: str) -> tuple[Any, str]:
    return jobs_shown.redrawn(jobs.jobs(KIND), seen, _list, gr.skip())


def _act(event: gr.EventData) -> tuple[str, str, str]:
    job = jobs.find(KIND, event.key)
    if job is not None and event.act == "stop":
        job.end()
    elif job is not None and event.act == "forget":
        jobs.forget(job)
    return "", _list(), _sight()


def _list() -> str:
    found = jobs.jobs(KIND)
    if not found:
        return parts.empty(tr("studio.serve.none"), tr("studio.serve.none_what"))
    return "".join(map(_shown, found))


def _shown(job: Job) -> str:
    state, opened = job.state(), job.told()
    serving = state == "working" and "url" in opened
    if state == "done":  # it had told its address, and is gone
        state = "stopped" if job.was_stopped else "lost"
    tag = parts.tag(tr("studio.serve.serving"), "good") if serving else jobs_shown.tag(state)
    inner = [
        jobs_shown.head(str(job.about.get("model", "")), tag, job, jobs_shown.leaving(job, state)),
        jobs_shown.trouble(job, state),
    ]
    if serving:
        inner.append(_address(job, opened))
    elif state == "working":
        inner.append(jobs_shown.going(job))
    return jobs_shown.card(job, *inner, jobs_shown.command(job))


def _address(job: Job, opened: dict[str, Any]) -> str:
    """Where it is, what it serves, and calls to copy."""
    url, locked = str(opened["url"]), bool(job.about.get("locked"))
    facts = [(tr("studio.serve.address"), f"{url}/v1")]
    if opened.get("network"):
        facts.append((tr("studio.serve.network"), f"{opened['network']}/v1"))
    facts.append((tr("studio.serve.models"), ", ".join(opened["models"])))
    key = tr("studio.serve.locked" if locked else "studio.serve.unlocked")
    facts.append((tr("studio.serve.key_is"), key))
    address = str(opened.get("network") or url)
    blocks = "".join(
        f"<div class='small'>{language}</div>{parts.shell(text)}"
        for language, text in calls(
            address, str(opened["models"][-1]), tr("studio.serve.question"), locked=locked
        ).items()
    )
    title = parts.safe(tr("studio.serve.calls"))
    more = f"<details class='more' open><summary>{title}</summary>{blocks}</details>"
    return f"<div class='wide'>{parts.facts(facts)}</div>{more}"
