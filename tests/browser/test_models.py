"""Models in the browser: looked for on a hub, judged before the download, fetched, deleted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.browser.conftest import visitor
from tests.browser.studio import Studio, start_studio
from tests.models.hub_server import Hub, serving

REPO = "made/conch-small"


def test_a_model_is_found_judged_fetched_and_deleted(
    browser: Any, tiny_folder: Path, tmp_path: Path, picture: Any
) -> None:
    home, served = tmp_path / "home", tmp_path / "served"
    home.mkdir()
    shutil.copytree(tiny_folder, served)
    with serving(Hub(REPO, served)) as hub:
        hub.known = [
            {"id": REPO, "downloads": 5, "likes": 1, "gated": False, "safetensors": {"total": 135_000_000}},
            {"id": "made/conch-large", "downloads": 900, "likes": 30, "gated": "auto"},
        ]
        online = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        with start_studio(home, **online) as studio, visitor(browser, studio) as page:
            page.goto(studio.at("models"))
            page.wait_for_selector("#models-list .empty")
            page.fill("#models-name input", "conch")
            page.press("#models-name input", "Enter")
            page.wait_for_selector("#models-found table")
            names = page.locator("#models-found tbody b").all_inner_texts()
            assert names == ["made/conch-large", REPO], "the most fetched first"
            assert "asks for permission" in page.inner_text("#models-found")
            picture(page, "models-found")
            page.click(f"#models-found [data-do=look][data-key='{REPO}']")
            page.wait_for_selector("#models-found .facts")
            assert "LoRA" in page.inner_text("#models-found")
            assert page.input_value("#models-name input") == REPO
            page.fill("#models-name input", "no such thing")
            page.click("#models-search")
            page.wait_for_selector("#models-found .empty")
            page.fill("#models-name input", "conch")
            page.click("#models-search")
            hub.bytes_a_second = 10_000
            page.click(f"#models-found [data-do=fetch][data-key='{REPO}']")
            page.wait_for_selector("#models-pulls .small:has-text('kB')")
            page.click("#models-pulls [data-do=cancel]")
            page.wait_for_selector("#models-pulls .note.warn:has-text('cancelled')", timeout=60_000)
            hub.bytes_a_second = 0
            page.click("#models-pulls [data-do=again]")
            page.wait_for_selector(f"#models-list b:text-is('{REPO}')", timeout=60_000)
            page.on("dialog", lambda dialog: dialog.accept())
            page.click("#models-list [data-do=remove]")
            page.wait_for_selector("#models-list .empty")


def test_offline_is_told_in_a_line_and_what_needs_no_hub_is_found(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    page.fill("#models-name input", "smollm")
    page.click("#models-search")
    page.wait_for_selector("#models-found .note.warn:has-text('HF_HUB_OFFLINE')")
    assert page.locator("#models-found tbody b").all_inner_texts() == ["smollm2-135m"]
