"""The rows of one dataset: leafed through, and in files of Conch's own edited, added and taken out."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

import gradio as gr

from conch.core.errors import DataError
from conch.core.text import tr
from conch.data import editing
from conch.data.editing import Held, stamp_of
from conch.data.reading import Opened, open_dataset
from conch.data.rows import Fault, Item
from conch.data.sources import find_dataset
from conch.data.splicing import number_of
from conch.webui import parts
from conch.webui.handlers import note
from conch.webui.page import Page
from conch.webui.words import word

ON_A_SHEET = 10
SHOWN_TEXT = 1200
EDITOR = "window.conch.rowEditor(element, props, watch, trigger); /* 'act' */"
WORDS = ("save", "leave", "add_turn", "drop_turn", "json", "raw")


class Sheet:
    """The tab of the rows; `outputs` are what `Sheet.of` fills."""

    def __init__(self, page: Page, name: gr.State) -> None:
        self.name = name
        with gr.Row(elem_classes="row-actions"):
            self.add = gr.Button(word("studio.rows.add"), size="sm", elem_id="rows-add", visible=False)
            self.copy = gr.Button(word("studio.rows.copy"), size="sm", elem_id="rows-copy", visible=False)
        self.about = parts.html(elem_id="rows-about")
        self.editor = parts.html(js_on_load=EDITOR, html_template="<div></div>", elem_id="rows-editor")
        self.rows = parts.acting(elem_id="data-rows")
        with gr.Row(elem_classes="row-actions pager"):
            back = gr.Button(word("studio.data.back"), size="sm", elem_id="rows-back")
            self.at = gr.Number(
                1,
                minimum=1,
                precision=0,
                label=word("studio.data.sheet"),
                show_label=False,
                container=False,
                min_width=70,
            )
            self.count = parts.html(elem_id="rows-count")
            forth = gr.Button(word("studio.data.forth"), size="sm", elem_id="rows-forth")
        drawn = [self.rows, self.count]
        page.on(self.at.change, _turned, [name, self.at], drawn)
        page.on(back.click, lambda at: max(1, int(at or 1) - 1), [self.at], [self.at])
        page.on(forth.click, _forth, [name, self.at], [self.at])
        page.on(self.add.click, lambda name: _form(_opened(name), None), [name], [self.editor])
        pressed = [self.editor, self.at, *drawn]
        page.acts(self.rows, _act, [name, self.at], pressed)
        self.saved = page.acts(self.editor, _save, [name, self.at], pressed, trigger_mode="once")
        page.fresh(_retold, [name, self.at], [self.about, self.editor, *drawn])

    @property
    def outputs(self) -> list[Any]:
        return [self.add, self.copy, self.about, self.editor, self.rows, self.at, self.count]

    @staticmethod
    def of(opened: Opened) -> list[Any]:
        """The first sheet of a dataset."""
        own = editing.editable(opened) is not None
        rows, count = _drawn(opened, 1)
        return [
            gr.update(visible=own), gr.update(visible=not own), _about(opened), "", rows, 1, count,
        ]  # fmt: skip


def _opened(name: str) -> Opened:
    return open_dataset(find_dataset(name))


def _turned(name: str, at: float | None) -> list[Any]:
    return _drawn(_opened(name), int(at or 1)) if name else ["", ""]


def _forth(name: str, at: float | None) -> int:
    """The next sheet; the last one has none."""
    return min(int(at or 1) + 1, _sheets(_opened(name))) if name else 1


def _retold(name: str, at: float | None) -> list[Any]:
    """The same in another language; what is being edited stays as it is."""
    if not name:
        return [gr.skip()] * 4
    opened = _opened(name)
    return [
        _about(opened),
        json.dumps({"words": _words(), "now": time.time_ns()}),
        *_drawn(opened, int(at or 1)),
    ]


def _about(opened: Opened) -> str:
    """Why rows can't be edited here, where they can't."""
    if editing.editable(opened) is not None:
        return ""
    return f"<p class='why'>{parts.safe(tr('studio.rows.not_ours', place=opened.dataset.place))}</p>"


def _act(name: str, at: float | None, event: gr.EventData) -> list[Any]:
    """A row is taken out only if it still is the one that was seen beside the button."""
    opened = _opened(name)
    number, _, stamp = event.key.partition(":")
    row = editing.held(opened, int(number))
    if event.act == "edit":
        return [_form(opened, row), gr.skip(), gr.skip(), gr.skip()]
    editing.remove(opened, replace(row, stamp=stamp))
    note(tr("studio.rows.removed"))
    return ["", *_redrawn(name, int(at or 1))]


def _save(name: str, at: float | None, event: gr.EventData) -> list[Any]:
    """Keep what was written; what stands in the way is told in the form, which stays as it is."""
    opened = _opened(name)
    try:
        new = event.number is None
        row = editing.blank(opened) if new else editing.held(opened, int(event.number))
        row = Held(row.number, row.values, event.stamp, row.raw)
        odd = editing.save(opened, row, editing.edited(row, event.values))
    except DataError as error:
        told = "\n".join(filter(None, (error.message, error.hint)))
        return [json.dumps({"problem": told, "now": time.time_ns()}), *[gr.skip()] * 3]
    note(tr("studio.rows.saved") if not odd else tr("studio.rows.saved_odd", reason=odd[0].reason))
    return ["", *_redrawn(name, _sheets(_opened(name)) if new else int(at or 1))]


def _redrawn(name: str, at: int) -> list[Any]:
    """A sheet, or the last one where that is gone."""
    opened = _opened(name)
    at = min(at, _sheets(opened))
    return [at, *_drawn(opened, at)]


def _sheets(opened: Opened) -> int:
    return max(1, -(-_count(opened) // ON_A_SHEET))


def _count(opened: Opened) -> int:
    """How many rows there are; counted anew once a file is another."""
    stamps = tuple(file.path.stat().st_mtime_ns for file in opened.files)
    return _counted(_Counting(opened, stamps))


class _Counting:
    """What a count depends on, and what is counted."""

    def __init__(self, opened: Opened, stamps: tuple[int, ...]) -> None:
        self.opened = opened
        self._key = (tuple(file.shown for file in opened.files), stamps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Counting) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(maxsize=64)
def _counted(counting: _Counting) -> int:
    return sum(1 for _ in counting.opened.items())


def _drawn(opened: Opened, at: int) -> list[Any]:
    """A sheet of rows, and which of how many it is."""
    begin = (max(1, at) - 1) * ON_A_SHEET
    found = list(islice(opened.items(), begin, begin + ON_A_SHEET))
    count = _count(opened)
    if not found:
        return [parts.empty(tr("studio.data.no_more_rows"), ""), ""]
    keys: dict[str, None] = {}
    for item in found:
        if not isinstance(item, Fault):
            keys |= dict.fromkeys(map(str, item.values))
    own = editing.editable(opened) is not None
    rows = [_line(opened, number, item, list(keys), own) for number, item in enumerate(found, begin + 1)]
    heads = ["", *keys, *([""] if own else [])]
    words = tr("studio.rows.count", first=begin + 1, last=begin + len(found), count=f"{count:,}")
    return [parts.table(heads, rows, stacks=True), f"<span class='small nowrap'>{parts.safe(words)}</span>"]


def _line(opened: Opened, number: int, item: Item, keys: list[str], own: bool) -> list[Any]:
    if isinstance(item, Fault):
        wrong = parts.Html(f"<span class='bad'>{parts.safe(item.error.message)}</span>")
        cells = [wrong, *[""] * (len(keys) - 1)] if keys else []
    else:
        cells = [_cell(opened, key, item.values.get(key)) for key in keys]
    return [number, *cells, *([_buttons(item)] if own else [])]


def _buttons(item: Item) -> parts.Html:
    at = number_of(item)
    if at is None or (isinstance(item, Fault) and item.end):
        return parts.Html("")
    sure = tr("studio.rows.remove_sure")
    return parts.buttons(
        parts.button(tr("studio.rows.edit"), "edit", str(at)),
        parts.button(tr("studio.remove"), "remove", f"{at}:{stamp_of(item)}", sure=sure, kind="danger"),
    )


def _cell(opened: Opened, column: str, value: Any) -> parts.Html:
    """A value as it is read: the turns of a conversation below one another, all else as text or JSON."""
    if column == opened.layout.columns.messages and _is_plain(opened, value):
        tags = opened.layout.tags
        inner = "".join(
            f"<div><span class='said-by'>{parts.safe(turn[tags.role_tag])}</span>"
            f"{_short(turn[tags.content_tag])}</div>"
            for turn in value
        )
        return parts.Html(f"<div class='cell'>{inner}</div>")
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return parts.Html(f"<div class='cell'>{_short(text)}</div>")


def _short(text: str) -> str:
    return f"{parts.safe(text[:SHOWN_TEXT])}{'…' if len(text) > SHOWN_TEXT else ''}"


# the form of one row


def _form(opened: Opened, row: Held | None) -> str:
    """A row as its script shows it: one field a column."""
    title = tr("studio.rows.new") if row is None else tr("studio.rows.editing", row=row.number)
    row = row or editing.blank(opened)
    fields = [{"name": name, **_field(opened, name, value)} for name, value in row.values.items()]
    if row.raw is not None:
        fields = [{"name": "", "kind": "raw", "value": row.raw.rstrip("\r\n")}]
    tags = opened.layout.tags
    roles = (tags.system_tag, tags.user_tag, tags.assistant_tag, tags.observation_tag, tags.function_tag)
    return json.dumps({
        "title": title, "number": row.number, "stamp": row.stamp, "fields": fields, "words": _words(),
        "role": tags.role_tag, "content": tags.content_tag, "roles": roles, "now": time.time_ns(),
    })  # fmt: skip


def _words() -> dict[str, str]:
    return {name: tr(f"studio.rows.{name}") for name in WORDS}


def _field(opened: Opened, name: str, value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, str):
        return {"kind": "text", "value": value or ""}
    if name == opened.layout.columns.messages and _is_plain(opened, value):
        return {"kind": "turns", "value": value}
    return {"kind": "json", "value": json.dumps(value, ensure_ascii=False, indent=2)}


def _is_plain(opened: Opened, value: Any) -> bool:
    """Whether these are turns of a role and a text each."""
    tags = opened.layout.tags
    keys = (tags.role_tag, tags.content_tag)
    return isinstance(value, list) and all(
        isinstance(turn, dict) and all(isinstance(turn.get(key), str) for key in keys) for turn in value
    )
