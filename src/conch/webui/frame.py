"""The frame around the pages: navigation, language, and the one Blocks that holds everything."""

from __future__ import annotations

import json
from importlib import import_module, resources
from typing import Any

import gradio as gr

from conch.core.text import language, speaking, tr
from conch.webui import parts
from conch.webui.handlers import handler
from conch.webui.page import QUIET, Page, Studio
from conch.webui.pages import PAGES
from conch.webui.words import LANGUAGES, filled, is_marked, word


def build(studio: Studio) -> gr.Blocks:
    """The whole studio. Built once; its words are filled in for each reader (`conch.webui.words`)."""
    with gr.Blocks(
        analytics_enabled=False, title="Conch", fill_width=True, delete_cache=(3600, 24 * 3600)
    ) as blocks:
        with gr.Row(elem_id="studio", equal_height=False):
            with gr.Column(elem_id="side", scale=0, min_width=0):
                parts.html(
                    f"<div class='brand'>Conch<span>{word('studio.brand')}</span></div>", elem_id="brand"
                )
                with gr.Column(elem_id="nav", min_width=0):
                    buttons = {
                        name: gr.Button(word(f"studio.nav.{name}"), elem_id=f"nav-{name}", size="sm")
                        for name in PAGES
                    }
                tongue = gr.Button("中文 · English", elem_id="language", size="sm")
            with gr.Column(elem_id="main", min_width=0):
                for name, module in PAGES.items():
                    page = studio.opened[name] = Page(name, studio)
                    with gr.Column(elem_id=f"page-{name}", elem_classes="page", min_width=0):
                        import_module(module).build(page)
        _join(blocks, studio, buttons, tongue)
    return blocks


def _join(blocks: gr.Blocks, studio: Studio, buttons: dict[str, gr.Button], tongue: gr.Button) -> None:
    """Opening a page brings it up to date and lets its clock run; a language is switched in place."""
    clocks = [(name, timer) for name, page in studio.opened.items() for timer, _ in page.timers]
    timers = [timer for _, timer in clocks]
    for name, button in buttons.items():
        quick: dict[str, Any] = {**QUIET, "queue": False}
        opened = button.click(None, js=f"() => window.conch.open('{name}')", **quick)
        if timers:
            states = [gr.Timer(active=owner == name) for owner, _ in clocks]
            opened.then(lambda states=states: states if len(states) > 1 else states[0], None, timers, **quick)
        for refresh in studio.opened[name].refreshes:
            button.click(refresh.function, refresh.inputs, refresh.outputs, js=refresh.js, **QUIET)
    marked = [
        (block, props)
        for block in list(blocks.blocks.values())
        if (props := {name: value for name, value in block.get_config().items() if is_marked(value)})
    ]

    def retell() -> dict[Any, Any]:
        return {block: _update(block, filled(props)) for block, props in marked}

    switched = tongue.click(
        handler(retell),
        None,
        [block for block, _ in marked],
        js="() => window.conch.switchLanguage()",
        **QUIET,
    )
    for page in studio.opened.values():
        for refresh in page.refreshes:
            switched.then(refresh.function, refresh.inputs, refresh.outputs, js=refresh.js, **QUIET)
    # whoever comes by an address finds that page up to date: the script clicks its entry
    blocks.load(None, js="() => window.conch.begin()", **QUIET)


def _update(block: Any, props: dict[str, Any]) -> Any:
    return gr.update(**{name: value for name, value in props.items() if name != "name"})


SCRIPTS = ("stream.js", "studio.js", "chart.js", "form.js", "rows.js", "talk.js")
SHEETS = ("studio.css", "pages.css")


def head() -> str:
    """What runs before anything is drawn: the page that the address names, and the language."""
    scripts = "\n".join([f"window.conchTitles = {json.dumps(_titles())};", *map(_asset, SCRIPTS)])
    sheets = "\n".join(map(_asset, SHEETS))
    return f"<style>{sheets}</style><script>{scripts}</script>"


TITLES = {
    "Error": "studio.failed",
    "Warning": "studio.failed",
    "Info": "studio.done",
    "Close": "studio.dismiss",
    "More tabs": "studio.more",
    "File upload": "studio.data.drop",
}
"""What Gradio says in English only, and what ours says instead."""


def _titles() -> dict[str, dict[str, str]]:
    found = {}
    for name in LANGUAGES:
        with speaking(name):
            found[name] = {theirs: tr(key) for theirs, key in TITLES.items()}
    return found


def _asset(name: str) -> str:
    return (resources.files("conch.webui") / "assets" / name).read_text(encoding="utf-8")


def document_language() -> str:
    return {"zh": "zh-CN"}.get(language(), "en")
