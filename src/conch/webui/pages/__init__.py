"""The pages by name, in the order of the path through them. A new page is a new file and one line here."""

PAGES = {
    "models": "conch.webui.pages.models",
    "data": "conch.webui.pages.data",
    "train": "conch.webui.pages.train",
    "runs": "conch.webui.pages.runs",
    "chat": "conch.webui.pages.chat",
    "evaluate": "conch.webui.pages.evaluate",
    "export": "conch.webui.pages.export",
    "machine": "conch.webui.pages.machine",
}
"""Name in the address to the module that holds `build(page)`; its title is the text `studio.nav.NAME`."""
