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
            side = _side()
            with gr.Column(elem_id="main", min_width=0):
                columns = {name: _page(name, module, studio) for name, module in PAGES.items()}
        _join(blocks, studio, side, columns)
    return blocks


def _side() -> gr.Column:
    """The navigation, and what the script clicks for another language (`_retell`)."""
    with gr.Column(elem_id="side", scale=0, min_width=0) as side:
        parts.html(f"<div class='brand'>Conch<span>{word('studio.brand')}</span></div>", elem_id="brand")
        with gr.Column(elem_id="nav", min_width=0):
            for name in PAGES:
                gr.Button(word(f"studio.nav.{name}"), elem_id=f"nav-{name}", size="sm")
        gr.Button("中文 · English", elem_id="language", size="sm")
        for name in PAGES:
            gr.Button(elem_id=f"retell-{name}", visible="hidden")
    return side


def _page(name: str, module: str, studio: Studio) -> gr.Column:
    """One page. It is drawn when it is opened: hundreds of parts take a browser its time."""
    page = studio.opened[name] = Page(name, studio)
    with gr.Column(visible=False, elem_id=f"page-{name}", elem_classes="page", min_width=0) as column:
        import_module(module).build(page)
    return column


def _join(blocks: gr.Blocks, studio: Studio, side: gr.Column, columns: dict[str, gr.Column]) -> None:
    """Opening a page draws it, lets its clock run and brings it up to date, also in another language."""
    named = {block.elem_id: block for block in blocks.blocks.values()}
    clocks = [(name, timer) for name, page in studio.opened.items() for timer, _ in page.timers]
    timers = [timer for _, timer in clocks]
    for name, column in columns.items():
        runs = json.dumps([owner == name for owner, _ in clocks])
        opened = named[f"nav-{name}"].click(
            None, None, [column, *timers], js=f"() => window.conch.opened('{name}', {runs})", **QUIET
        )
        for refresh in studio.opened[name].refreshes:
            opened.then(
                refresh.function,
                refresh.inputs,
                refresh.outputs,
                js=refresh.js,
                trigger_mode="always_last",
                **QUIET,
            )
        _retell(named[f"retell-{name}"], [*_marked(side), *_marked(column)])
    named["language"].click(None, js="() => window.conch.switchLanguage()", **QUIET)
    # whoever comes by an address finds that page up to date: the script clicks its entry
    blocks.load(None, js="() => window.conch.begin()", **QUIET)


def _retell(button: gr.Button, marked: list[tuple[Any, dict[str, Any]]]) -> None:
    """What tells the words of a page anew, when the script clicks it: touches nothing that was typed in."""

    def words() -> dict[Any, Any]:
        return {block: gr.update(**filled(props)) for block, props in marked}

    outputs = [block for block, _ in marked]
    button.click(handler(words), None, outputs, trigger_mode="always_last", **QUIET)


def _marked(area: Any) -> list[tuple[Any, dict[str, Any]]]:
    """The components in `area` with those of their properties that hold words."""
    props = {name: value for name, value in area.get_config().items() if name != "name" and is_marked(value)}
    found = [(area, props)] if props else []
    return found + [each for child in getattr(area, "children", ()) for each in _marked(child)]


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
