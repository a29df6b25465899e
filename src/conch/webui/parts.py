"""Small pieces of HTML that pages are put together from. What comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from conch.core.text import tr
from conch.webui.words import word

ACTIONS = "window.conch.actions(element, trigger); /* 'act' */"


class Html(str):
    """Text that is HTML already."""


def safe(value: Any) -> str:
    """`value` as HTML: escaped, unless it is HTML already."""
    return str(value) if isinstance(value, Html) else escape(str(value))


def html(value: str = "", **how: Any) -> gr.HTML:
    """A place for HTML in the studio's own style."""
    return gr.HTML(value, apply_default_css=False, **{"js_on_load": None, **how})


def head(page: str) -> gr.HTML:
    """The title of a page, and a line on what it is for."""
    title, about = word(f"studio.nav.{page}"), word(f"studio.{page}.about")
    return html(f"<div class='head'><h1>{title}</h1><p>{about}</p></div>")


def part(key: str) -> gr.HTML:
    """A heading inside of a page."""
    return html(f"<h2 class='part'>{word(key)}</h2>")


def waiting(key: str) -> str:
    """What stands in a place until it is filled for the first time."""
    return f"<p class='why waits'>{word(key)}</p>"


def acting(value: str = "", **how: Any) -> gr.HTML:
    """HTML whose buttons (`button`) tell the event `act` what to do, and to what."""
    return html(value, js_on_load=ACTIONS, **how)


def button(text: str, do: str, key: str = "", *, sure: str = "", kind: str = "", **data: str) -> Html:
    """A button inside of `acting`. `sure` is asked before."""
    more = "".join(f" data-{name}='{escape(value)}'" for name, value in data.items())
    asked = f" data-sure='{escape(sure)}'" if sure else ""
    return Html(
        f"<button type='button' class='act {kind}' data-do='{do}' data-key='{escape(key)}'{asked}{more}>"
        f"{escape(text)}</button>"
    )


def opening(text: str, page: str, **what: str) -> Html:
    """A button that opens another page with something chosen there: `model=NAME`."""
    ((field, value),) = what.items()
    return button(text, "open-in", value, page=page, field=field)


def link(text: str, page: str, **data: str) -> Html:
    """A link to another page of the studio."""
    query = "".join(f"&{name}={escape(value)}" for name, value in data.items())
    more = "".join(f" data-{name}='{escape(value)}'" for name, value in data.items())
    return Html(
        f"<a class='plain' href='?at={page}{query}' data-do='go' data-page='{page}'{more}>{escape(text)}</a>"
    )


def buttons(*given: Html) -> Html:
    return Html(f"<div class='acts'>{''.join(given)}</div>")


def tag(text: str, kind: str = "") -> Html:
    return Html(f"<span class='tag {kind}'>{escape(text)}</span>")


def note(text: str, kind: str = "") -> Html:
    return Html(f"<div class='note {kind}'>{safe(text)}</div>")


def empty(title: str, what: str) -> Html:
    """What stands where nothing is yet, and what to do first."""
    return Html(f"<div class='empty'><b>{safe(title)}</b>{safe(what)}</div>")


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    told = "".join(
        f"<div><div class='k'>{safe(name)}</div><div class='v'>{safe(value)}</div></div>"
        for name, value in pairs
    )
    return Html(f"<div class='facts'>{told}</div>")


def bar(share: float) -> Html:
    return Html(f"<div class='bar'><i style='width:{100 * max(0.0, min(1.0, share)):.1f}%'></i></div>")


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Iterable[int] = (),
    stacks: bool = False,
) -> Html:
    """A table that scrolls sideways by itself where it is too wide. Columns of `numbers` stand right.

    One that `stacks` shows each row as a card on narrow screens: what can be done with it stays in sight.
    """
    right = set(numbers)
    css = [" class='num'" if place in right else "" for place in range(len(heads))]
    top = "".join(f"<th{css[place]}>{safe(text)}</th>" for place, text in enumerate(heads))
    data = [f"{css[place]} data-head='{safe(text)}'" for place, text in enumerate(heads)]
    lines = []
    for row in rows:
        cells = "".join(f"<td{data[place]}>{safe(cell)}</td>" for place, cell in enumerate(row))
        lines.append(f"<tr>{cells}</tr>")
    inner = f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return Html(f"<div class='scroll'><table class='list{' stacks' if stacks else ''}'>{inner}</table></div>")


def shell(command: str) -> Html:
    """A command line, with a button that copies it."""
    copy = button(tr("studio.copy"), "copy")
    return Html(f"<div class='copied'><pre class='shell'>{escape(command)}</pre>{copy}</div>")


def pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
