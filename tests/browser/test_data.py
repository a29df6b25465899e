"""Datasets in the browser: dropped, checked, corrected, registered, seen as tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.studio import Studio, wait_for


def drop(page: Any, studio: Studio, file: Path) -> None:
    page.goto(studio.at("data"))
    page.wait_for_selector("#page-data", state="visible")
    page.set_input_files("#data-file input[type=file]", str(file))


def test_a_file_becomes_a_dataset(page: Any, studio: Studio, dataset: Path, picture: Any) -> None:
    drop(page, studio, dataset)
    page.wait_for_selector("#data-told:has-text('alpaca')")
    page.fill("#data-name input, #data-name textarea", "my_questions")
    page.click("#data-register")
    page.wait_for_selector("#data-report .note")
    registry = json.loads((studio.home / "data" / "dataset_info.json").read_text(encoding="utf-8"))
    assert registry["my_questions"]["columns"]["prompt"] == "instruction"
    assert Path(registry["my_questions"]["file_name"]).is_relative_to(studio.home)
    page.get_by_role("tab", name="Rows").click()
    page.wait_for_selector("#data-rows:has-text('Question 3: who are you?')")
    page.get_by_role("tab", name="As the model sees it").click()
    page.click("#data-see")
    page.wait_for_selector("#data-tokens .tokens span.on")
    trained = "".join(page.locator("#data-tokens .tokens").first.locator("span.on").all_inner_texts())
    assert trained.startswith("I am the magic conch number 0.")
    assert "Question" not in trained
    picture(page, "data-tokens")


def test_a_wrong_file_is_refused_in_words(page: Any, studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{not json", encoding="utf-8")
    drop(page, studio, broken)
    page.wait_for_selector("#data-told .note.warn")
    assert "JSON" in page.inner_text("#data-told")
    picture = tmp_path / "picture.exe"
    picture.write_bytes(b"MZ")
    before = page.inner_text("#data-list")
    page.set_input_files("#data-file input[type=file]", str(picture))
    wait_for(lambda: "Invalid" in page.inner_text("body") or "type" in page.inner_text("body"), 10)
    assert page.inner_text("#data-list") == before
    assert not list((studio.home / "data" / "files").glob("*.exe"))
