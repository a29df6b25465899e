"""The README's pictures of the studio, taken from real runs below a CONCH_HOME.

    python docs/studio_pictures.py HOME docs/studio

makes `docs/studio-train.en.png`, `docs/studio-run.zh.png` and so on, with the longest finished run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.conftest import chromium
from tests.browser.studio import Studio, start_studio

LANGUAGES = {"en": "en-US", "zh": "zh-CN"}
SIZE = {"width": 1280, "height": 900}
SETTLED = 1500
"""Milliseconds in which a page has drawn its charts."""


def longest(home: Path) -> str:
    """The id of the finished run whose curve has most to show."""
    logs = {run.name: (run / "events.jsonl").read_text("utf-8") for run in (home / "runs").iterdir()}
    return max(logs, key=lambda name: ('"kind": "finished"' in logs[name], len(logs[name])))


def take(page: Page, studio: Studio, target: str, language: str) -> None:
    page.goto(studio.at("train"))
    page.wait_for_selector("#train-form .few")
    page.fill("#train-form .simple [data-field=model_name_or_path]", "smollm2-135m")
    page.fill("#train-form .simple [data-field=dataset]", "magic_conch")
    page.keyboard.press("Escape")
    page.wait_for_selector("#train-estimate .facts", timeout=120_000)
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=f"{target}-train.{language}.png")
    page.goto(studio.at("runs", run=longest(studio.home)))
    page.wait_for_selector("#chart-loss canvas")
    page.wait_for_timeout(SETTLED)
    page.screenshot(path=f"{target}-run.{language}.png")


def main(home: Path, target: str) -> None:
    with start_studio(home) as studio, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for language, locale in LANGUAGES.items():
            page = browser.new_context(locale=locale, viewport=SIZE).new_page()
            take(page, studio, target, language)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2])
