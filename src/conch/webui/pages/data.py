"""Data: files become datasets here, are checked, read, and seen as the model will see them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from conch.core.errors import DataError
from conch.core.text import tr
from conch.data import keeping, registry
from conch.data.archives import ENDINGS
from conch.data.describe import describe, register
from conch.data.formats import FORMATS
from conch.data.keeping import free_name, is_kept, keep
from conch.data.listing import listed
from conch.data.reading import files_of, items_of
from conch.data.rows import Row
from conch.data.sources import by_place
from conch.webui import parts
from conch.webui.handlers import note, told
from conch.webui.page import BUSY, Page
from conch.webui.pages import data_open
from conch.webui.words import word

ROLES = ("messages", "prompt", "query", "response", "chosen", "rejected", "system", "kto_tag")
"""The parts of a row whose column can be corrected here, in this order."""
LOOKED_AT = 20
"""Rows whose columns are offered."""


def build(page: Page) -> None:
    parts.head("data")
    with gr.Column(elem_classes="card"):
        parts.part("studio.data.add")
        file, place, read = _sources()
        told_of = parts.html(elem_id="data-told")
        kept = gr.State("")
        with gr.Column(visible=False, min_width=0) as form:
            name, format_name, *columns = _corrections()
            with gr.Row(elem_classes="row-actions"):
                add = gr.Button(word("studio.data.register"), variant="primary", elem_id="data-register")
                leave = gr.Button(word("studio.cancel"))
    parts.part("studio.data.here")
    table = parts.acting(parts.waiting("studio.loading"), elem_id="data-list")
    opened = data_open.build(page, (table, _list))
    asked = [told_of, form, name, format_name, kept, *columns]

    def uploaded(path: str | None) -> Any:
        if path is None:
            return [gr.skip()] * (len(asked) + 1)
        return [*_recognised(str(keep(Path(path), Path(path).name))), None]

    def registered(name: str, format_name: str, place: str, *chosen: str) -> Any:
        description = _described(place, format_name, chosen)
        register(name.strip(), description)
        note(tr("studio.data.registered", name=name.strip()))
        return ["", gr.update(visible=False), None, "", _list(), *data_open.show(name.strip())]

    def act(event: gr.EventData) -> Any:
        if event.act == "remove":
            keeping.remove(event.key)
            note(tr("cli.data.removed", name=event.key))
            return [_list(), *data_open.hidden()]
        return [gr.skip(), *data_open.show(event.key)]

    page.on(file.upload, uploaded, [file], [*asked, file], **BUSY)
    for event in (read.click, place.submit):
        page.on(event, lambda given: _recognised(_given(given)), [place], asked)
    page.on(format_name.input, _again, [kept, format_name, *columns], [told_of])
    for column in columns:
        page.on(column.input, _again, [kept, format_name, *columns], [told_of])
    page.on(
        add.click,
        registered,
        [name, format_name, kept, *columns],
        [told_of, form, file, place, table, *opened],
        trigger_mode="once",
    )
    page.on(leave.click, lambda: ["", gr.update(visible=False), None], None, [told_of, form, file])
    page.acts(table, act, None, [table, *opened])
    page.fresh(_list, [], [table])


def _sources() -> tuple[gr.File, gr.Textbox, gr.Button]:
    """A place to drop a file on; a field for one that is elsewhere, and its button."""
    with gr.Row(equal_height=True):
        file = gr.File(
            label=word("studio.data.drop"),
            file_types=list(ENDINGS),
            file_count="single",
            height=132,
            elem_id="data-file",
            scale=2,
            min_width=260,
        )
        with gr.Column(scale=3, min_width=260):
            place = gr.Textbox(
                label=word("studio.data.place"),
                placeholder=word("studio.data.place_hint"),
                elem_id="data-place",
                max_lines=1,
            )
            with gr.Row(elem_classes="row-actions"):
                read = gr.Button(word("studio.data.read"), elem_id="data-read")
    return file, place, read


def _corrections() -> list[Any]:
    """The name under which it is registered, its format, and the column of each of `ROLES`."""
    with gr.Row():
        name = gr.Textbox(label=word("studio.data.name"), elem_id="data-name", min_width=180)
        format_name = gr.Dropdown(
            [(word("studio.data.auto"), ""), *FORMATS],
            value="",
            label=word("studio.data.format"),
            info=word("studio.data.format_why"),
            min_width=180,
        )
    with gr.Accordion(word("studio.data.columns"), open=False), gr.Row():
        columns = [gr.Dropdown([], label=word(f"studio.data.role.{role}"), min_width=150) for role in ROLES]
    return [name, format_name, *columns]


def _given(place: str) -> str:
    if not place.strip():
        raise told(tr("studio.data.no_place"), tr("studio.data.place_hint"))
    return place.strip()


def _recognised(place: str) -> list[Any]:
    """What a file was recognised as, and the form to correct it with."""
    heads = _columns_of(place)
    try:
        description = describe(by_place(place))
    except DataError as error:
        found: dict[str, Any] = {}
        said: str = parts.note(f"{error.message} {error.hint}", "warn")
        if not heads:
            return [said, gr.update(visible=False), "", "", "", *[gr.skip()] * len(ROLES)]
    else:
        found, said = description["columns"], _said(description)
    drops = [
        gr.update(choices=[(tr("studio.data.no_column"), ""), *heads], value=found.get(role) or "")
        for role in ROLES
    ]
    return [said, gr.update(visible=True), free_name(Path(place)), "", place, *drops]


def _columns_of(place: str) -> list[str]:
    """The columns of the first rows."""
    opened = by_place(place)
    if opened.hubs:
        return []
    rows = islice(items_of(files_of(opened)), LOOKED_AT)
    return list(dict.fromkeys(str(key) for row in rows if isinstance(row, Row) for key in row.values))


def _described(place: str, format_name: str, chosen: tuple[str, ...]) -> dict[str, Any]:
    roles = {role: column for role, column in zip(ROLES, chosen, strict=True) if column}
    return describe(by_place(place), format_name or None, roles)


def _again(place: str, format_name: str, *chosen: str) -> str:
    """What the file is with the corrections."""
    return _said(_described(place, format_name, chosen))


def _said(description: dict[str, Any]) -> str:
    columns = {part: column for part, column in description["columns"].items() if column}
    told_columns = parts.pairs({data_open.role(part): column for part, column in columns.items()})
    kind = "pairwise" if description.get("ranking") else description["formatting"]
    return parts.note(tr("studio.data.recognised", format=kind, columns=told_columns), "good")


def _list() -> str:
    entries = list(listed(None))
    own = registry.descriptions(registry.own_folder())
    heads = [tr(f"studio.data.column.{name}") for name in ("name", "format", "rows", "actions")]
    rows = []
    for entry in entries:
        title = f"<b>{parts.safe(entry.name)}</b><div class='small'>{parts.safe(_short(entry.file))}</div>"
        if entry.problem:
            title += f"<div class='bad small'>{parts.safe(entry.problem)}</div>"
        does = [parts.button(tr("studio.data.open"), "open", entry.name, kind="first")]
        if not entry.problem:
            does.append(parts.button(tr("studio.data.train"), "use", entry.name, field="dataset"))
        if entry.name in own:
            key = "remove_file_sure" if is_kept(entry.name) else "remove_sure"
            sure = tr(f"studio.data.{key}", name=entry.name)
            does.append(parts.button(tr("studio.remove"), "remove", entry.name, sure=sure, kind="danger"))
        count = "-" if entry.rows is None else f"{entry.rows:,}"
        rows.append([parts.Html(title), entry.format or "-", count, parts.buttons(*does)])
    return parts.table(heads, rows, numbers={2}, stacks=True)


def _short(file: str) -> str:
    """A path by its end: what stands before it is the same for all."""
    return file if len(file) <= 60 else f"…{file[-58:]}"
