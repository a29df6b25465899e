"""Export and deploy: files that need nothing else, each proved; and servers of the API, started from here."""

from __future__ import annotations

import gradio as gr

from conch.webui import parts
from conch.webui.page import Page
from conch.webui.pages import export_made, export_served
from conch.webui.words import word


def build(page: Page) -> None:
    parts.head("export")
    asked = gr.Textbox(visible=False)
    with gr.Tabs():
        with gr.Tab(word("studio.export.tab.files")):
            export_made.build(page, asked)
        with gr.Tab(word("studio.export.tab.served")):
            export_served.build(page)
