"""Keys of the HTTP API: made here, shown once, revoked."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr

from conch.core.api_keys import SCOPES, create, list_keys, revoke
from conch.core.text import tr
from conch.webui import parts
from conch.webui.handlers import note
from conch.webui.page import Page
from conch.webui.words import word


def build(page: Page) -> None:
    with gr.Column(elem_classes="card", min_width=0):
        parts.part("studio.keys.title")
        parts.html(f"<p class='why'>{word('studio.keys.why')}</p>")
        listed = parts.acting(elem_id="keys-list")
        with gr.Row():
            name = gr.Textbox(label=word("studio.keys.name"), elem_id="keys-name", max_lines=1, min_width=200)
            scopes = gr.CheckboxGroup(
                [(word(f"studio.keys.scope.{scope}"), scope) for scope in SCOPES],
                value=["infer"],
                label=word("studio.keys.scopes"),
                elem_id="keys-scopes",
                min_width=260,
            )
        with gr.Row(elem_classes="row-actions"):
            make = gr.Button(word("studio.keys.make"), elem_id="keys-make")
        made = parts.acting(elem_id="keys-made")
    page.on(make.click, _make, [name, scopes], [made, name, listed], trigger_mode="once")
    page.acts(listed, _act, None, [listed, made])
    page.fresh(lambda: ("", _list()), [], [made, listed])  # what was shown once is gone


def _make(name: str, scopes: list[str]) -> tuple[str, str, str]:
    key = create(name.strip(), scopes)
    return shown_once(tr("access.made", name=name.strip(), scopes=", ".join(scopes)), key), "", _list()


def shown_once(words: str, key: str) -> str:
    return parts.note(parts.Html(f"<b>{parts.safe(words)}</b>{parts.shell(key)}"), "good")


def _act(event: gr.EventData) -> tuple[Any, str]:
    revoke(event.key)
    note(tr("access.revoked", name=event.key))
    return _list(), ""


def _list() -> str:
    keys = list_keys()
    if not keys:
        return parts.empty(tr("studio.keys.none"), tr("studio.keys.none_what"))
    heads = [tr(f"studio.keys.{name}") for name in ("name", "scopes", "made", "actions")]
    rows = [
        [
            key.name,
            " · ".join(tr(f"studio.keys.scope.{scope}") for scope in key.scopes),
            time.strftime("%Y-%m-%d %H:%M", time.localtime(key.created)),
            parts.buttons(
                parts.button(
                    tr("studio.keys.revoke"),
                    "revoke",
                    key.name,
                    sure=tr("studio.keys.revoke_sure", name=key.name),
                    kind="danger",
                )
            ),
        ]
        for key in keys
    ]
    return parts.table(heads, rows, stacks=True)
