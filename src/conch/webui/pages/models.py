"""Models: what is on this machine, and how others come here."""

from __future__ import annotations

from typing import Any

import gradio as gr

from conch.cli.models_view import entry_facts, info_facts
from conch.cli.output import duration, size
from conch.config.model import MODEL_SOURCES
from conch.config.settings import check_source
from conch.core.errors import ModelError
from conch.core.files import exists, expanded
from conch.core.hubs import looks_like_id
from conch.core.text import tr
from conch.models import inventory
from conch.models.fit import METHODS
from conch.models.hardware import Room, find_room
from conch.models.hub.pypi import STARTERS
from conch.models.search import search
from conch.models.source import Found
from conch.webui import parts
from conch.webui.handlers import note, told
from conch.webui.page import BUSY, Page
from conch.webui.pulling import Pull, Pulls
from conch.webui.words import word

FIELD = "model_name_or_path"


def build(page: Page) -> None:
    pulls = Pulls()
    parts.head("models")
    with gr.Column(elem_classes="card"):
        parts.part("studio.models.get")
        name, source = _asked_for()
        with gr.Row(elem_classes="row-actions"):
            fetch = gr.Button(word("studio.models.fetch"), variant="primary", elem_id="models-fetch")
            look = gr.Button(word("studio.models.look"), elem_id="models-look")
            seek = gr.Button(word("studio.models.search"), elem_id="models-search")
        found = parts.acting(elem_id="models-found")
        state = parts.acting(elem_id="models-pulls")
        seen = gr.State("")
    parts.part("studio.models.here")
    listed = parts.acting(parts.waiting("studio.loading"), elem_id="models-list")

    def show_pulls() -> str:
        return "".join(_pull(pull) for pull in pulls.all())

    def start(name: str, source: str) -> tuple[str, str, Any]:
        pulls.start(_named(name), _source(source))
        return show_pulls(), "", gr.update()

    def chosen(source: str, event: gr.EventData) -> tuple[Any, Any, Any]:
        """A model of those that were found: looked at, or fetched."""
        if event.act == "look":
            return event.key, _look(event.key, source), gr.skip()
        pulls.start(event.key, _source(source))
        return event.key, gr.skip(), show_pulls()

    def tick(seen: str) -> tuple[Any, Any, str]:
        """Progress, how it ended, and the list once something has come. `seen` is what this page shows."""
        news = [pull for pull in pulls.all() if pull.done and not pull.error and not pull.reason]
        for pull in news:
            pulls.forget(pull.name)
            note(tr("studio.models.fetched", name=pull.name))
        now = show_pulls()
        return now if now != seen else gr.skip(), _list() if news else gr.skip(), now

    def act(event: gr.EventData) -> tuple[Any, Any]:
        _does(pulls, event.act, event.key)
        return show_pulls(), _list()

    page.on(fetch.click, start, [name, source], [state, found, name])
    # a word is searched for; what is a name as it stands is looked at
    page.on(name.submit, lambda name, source: (_look if _is_name(name) else _seek)(name, source),
            [name, source], [found], **BUSY)  # fmt: skip
    page.on(look.click, _look, [name, source], [found], **BUSY)
    page.on(seek.click, _seek, [name, source], [found], **BUSY)
    page.acts(found, chosen, [source], [name, found, state])
    page.acts(state, act, None, [state, listed])
    page.acts(listed, act, None, [state, listed])
    page.fresh(lambda: (show_pulls(), _list()), [], [state, listed])
    page.every(1, tick, [seen], [state, listed, seen])


def _asked_for() -> tuple[gr.Textbox, gr.Dropdown]:
    """A model by its name or by words of it, and where to look for it."""
    with gr.Row(equal_height=True):
        name = gr.Textbox(
            label=word("studio.models.name"),
            placeholder=word("studio.models.name_hint"),
            scale=3,
            min_width=240,
            elem_id="models-name",
            max_lines=1,
        )
        source = gr.Dropdown(
            [(word("studio.models.auto"), "auto"), *MODEL_SOURCES[1:]],
            value="auto",
            label=word("studio.models.source"),
            scale=1,
            min_width=160,
        )
    return name, source


def _does(pulls: Pulls, act: str, name: str) -> None:
    """What a button of a download, or of a model, asks for."""
    pull = pulls.find(name)
    if act == "cancel" and pull:
        pull.cancel()
    elif act in {"fetch", "again"}:
        pulls.start(name, pull.source if pull else None)
    elif act == "forget":
        pulls.forget(name)
    elif act == "remove":
        entry = inventory.find_entry(name)
        freed = entry.bytes()
        inventory.remove(entry)
        note(tr("cli.models.removed", name=entry.name, size=size(freed)))


def _named(name: str) -> str:
    if not name.strip():
        raise told(tr("studio.models.no_name"), tr("studio.models.name_hint"))
    return name.strip()


def _is_name(given: str) -> bool:
    given = given.strip()
    return given in STARTERS or looks_like_id(given) or exists(expanded(given))


def _seek(words: str, source: str) -> str:
    """The models whose names hold these words: those that come by the package index, then the hubs'."""
    words = words.strip()
    if not words:
        raise told(tr("studio.models.no_words"), tr("studio.models.name_hint"))
    rows = [_found(Found(name)) for name in STARTERS if words.lower() in name]
    try:
        results = search(words, _source(source))
    except ModelError as error:
        said: str = parts.note(f"{error.message} {error.hint}", "warn")
    else:
        rows += map(_found, results.found)
        said = f"<p class='small'>{parts.safe(tr('studio.models.found_at', source=results.source))}</p>"
        if not rows:
            return parts.empty(tr("studio.models.nothing_found"), tr("studio.models.nothing_found_what"))
    heads = [
        tr(f"studio.models.column.{name}") for name in ("name", "parameters", "downloads", "likes", "actions")
    ]
    return said + (parts.table(heads, rows, numbers={1, 2, 3}, stacks=True) if rows else "")


def _found(model: Found) -> list[Any]:
    gated = f" {parts.tag(tr('studio.models.gated'), 'warn')}" if model.gated else ""
    return [
        parts.Html(f"<b>{parts.safe(model.repo)}</b>{gated}"),
        "-" if model.parameters is None else _count(model.parameters),
        _figure(model.downloads),
        _figure(model.likes),
        parts.buttons(
            parts.button(tr("studio.models.look"), "look", model.repo, kind="first"),
            parts.button(tr("studio.models.fetch"), "fetch", model.repo),
        ),
    ]


def _figure(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _source(source: str) -> str | None:
    return None if source == "auto" else check_source(source)


def _look(name: str, source: str) -> str:
    """What a model is and whether it fits, before anything of it is fetched."""
    room = find_room()
    named = _named(name)
    if named in STARTERS:
        return parts.note(
            tr("studio.models.starter", name=named, size=size(STARTERS[named].wheel_bytes)), "good"
        )
    facts = info_facts(named, "main", _source(source), room)
    if "problem" in facts:
        return parts.note(facts["problem"], "warn")
    here = tr("studio.models.is_here") if facts["on_this_machine"] else size(facts["bytes"])
    told_facts = parts.facts(
        [
            (tr("cli.models.fact.architecture"), facts["architecture"]),
            (tr("cli.models.fact.parameters"), _count(facts["parameters"])),
            (tr("cli.models.fact.dtype"), facts["dtype"]),
            (tr("studio.models.to_fetch"), here),
            (tr("cli.models.fact.source"), facts["source"]),
            (tr("studio.models.fits"), _fits(facts, room)),
        ]
    )
    return parts.Html(told_facts + _foot(room))


def _count(parameters: int) -> str:
    for unit, size_of in (("B", 1e9), ("M", 1e6)):
        if parameters >= size_of:
            return f"{parameters / size_of:.{2 if unit == 'B' else 0}f} {unit}"
    return f"{parameters / 1e3:.0f} k"


def _fits(facts: dict[str, Any], room: Room) -> parts.Html:
    """A tag for each method that this machine has the memory for."""
    words = {"lora": "LoRA", "qlora": "QLoRA", "full": tr("studio.models.full")}
    told_fits = [
        parts.tag(words[name], "good")
        for name in METHODS
        if facts["training"][name]["fits"] and not facts["training"][name]["estimate_only"]
    ]
    return parts.Html(" ".join(told_fits)) if told_fits else parts.tag(tr("studio.models.too_big"), "bad")


def _foot(room: Room) -> str:
    text = tr("studio.models.foot", device=room.name, size=size(room.bytes), dtype=room.dtype)
    return f"<p class='small' style='margin:8px 0 0'>{parts.safe(text)}</p>"


def _list() -> str:
    found = inventory.entries()
    if not found:
        return parts.empty(tr("studio.models.none"), tr("studio.models.none_what"))
    room = find_room()
    heads = [tr(f"studio.models.column.{name}") for name in ("name", "parameters", "size", "fits", "actions")]
    rows = [_row(entry_facts(entry, room), room) for entry in found]
    return parts.table(heads, rows, numbers={1, 2}, stacks=True) + _foot(room)


def _row(facts: dict[str, Any], room: Room) -> list[Any]:
    name, about = parts.safe(facts["name"]), parts.safe(facts["source"])
    sure = tr("cli.models.remove_sure", name=facts["name"], folder=facts["folder"], size=size(facts["bytes"]))
    remove = parts.button(tr("studio.remove"), "remove", facts["name"], sure=sure, kind="danger")
    if "problem" in facts:
        problem = parts.Html(f"<span class='warn'>{parts.safe(facts['problem'])}</span>")
        again = parts.button(tr("studio.models.resume"), "fetch", facts["name"])
        title = parts.Html(f"<b>{name}</b><div class='small'>{about}</div>")
        return [title, "-", size(facts["bytes"]), problem, parts.buttons(again, remove)]
    template = "" if facts["chat_template"] else f" · {parts.safe(tr('studio.models.no_template'))}"
    told_name = (
        f"<b>{name}</b><div class='small'>{parts.safe(facts['architecture'])} · {about}{template}</div>"
    )
    return [
        parts.Html(told_name),
        _count(facts["parameters"]),
        size(facts["bytes"]),
        _fits(facts, room),
        parts.buttons(
            parts.button(tr("studio.models.tune"), "use", facts["name"], kind="first", field=FIELD),
            parts.opening(tr("studio.nav.chat"), "chat", model=facts["name"]),
            remove,
        ),
    ]


def _pull(pull: Pull) -> str:
    """One download: how far it is, and what can be done about it."""
    name = parts.safe(pull.name)
    if pull.error or pull.reason:
        message = pull.error.message if pull.error else pull.reason
        hint = pull.error.hint if pull.error else ""
        words = parts.Html(f"<b>{name}</b><br>{parts.safe(message)} {parts.safe(hint)}")
        does = parts.buttons(
            parts.button(tr("studio.models.resume"), "again", pull.name, kind="first"),
            parts.button(tr("studio.dismiss"), "forget", pull.name),
        )
        return parts.note(parts.Html(f"{words}<div style='margin-top:8px'>{does}</div>"), "warn")
    line, share = parts.safe(pull.said or tr("studio.models.beginning")), 0.0
    if event := pull.fetched:
        share = event.total_done / event.total if event.total else 0.0
        line = parts.safe(
            tr("cli.models.progress", done=size(event.total_done), total=size(event.total),
               speed=size(event.speed), left=duration(event.seconds_left))
        )  # fmt: skip
    cancel = parts.button(tr("studio.cancel"), "cancel", pull.name)
    right = parts.safe(tr("studio.models.cancelling")) if pull.cancelling else cancel
    return (
        f"<div class='pull'><div class='pull-head'><b>{name}</b>{right}</div>{parts.bar(share)}"
        f"<div class='small'>{line}</div></div>"
    )
