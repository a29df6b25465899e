"""Two models on the same rows in the browser: what got worse is found, and the blind vote is counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.studio import Studio
from tests.tiny import save_tiny, write_rows

MODEL = "conch/tiny"


def choose(page: Any, field: str, value: str) -> None:
    page.fill(f"#evaluate-{field} input", value)
    page.press(f"#evaluate-{field} input", "Enter")


def start(page: Any, studio: Studio, rows: Path, beside: str) -> Any:
    page.goto(studio.at("evaluate", model=MODEL))
    page.wait_for_selector("#evaluate-list .empty, #evaluate-list .job")
    before = page.locator("#evaluate-list .job").count()
    page.wait_for_function(f"document.querySelector('#evaluate-model input').value === '{MODEL}'")
    choose(page, "beside", beside)
    choose(page, "rows", str(rows))
    for field, value in {"most": "6", "longest": "8"}.items():
        page.fill(f"#evaluate-{field} input, #evaluate-{field} textarea", value)
    page.dblclick("#evaluate-start")
    newest = page.locator("#evaluate-list .job").first
    newest.locator(".tag:has-text('at work')").wait_for()
    newest.locator(".tag:has-text('done')").wait_for(timeout=120_000)
    assert page.locator("#evaluate-list .job").count() == before + 1, "a double click starts once"
    return newest


def test_rows_are_sorted_and_voted_on(page: Any, studio: Studio, tmp_path: Path, picture: Any) -> None:
    other = save_tiny(tmp_path / "other", seed=1)
    rows = write_rows(tmp_path / "rows.json", 8)
    newest = start(page, studio, rows, str(other))
    assert "6 rows" in newest.inner_text()
    newest.locator("[data-do=open]").click()
    page.wait_for_selector("#evaluate-table:has-text('6 of 6 rows')")
    picture(page, "evaluate-rows")
    folder = max((studio.home / "evaluations").iterdir())
    verdicts = [row["verdict"] for row in json.loads((folder / "comparison.json").read_bytes())["rows"]]
    for shown, verdict in {"got worse": "a", "got better": "b", "stayed equal": "tie"}.items():
        page.click(f"#evaluate-shown label:has-text('{shown}')")
        count = verdicts.count(verdict)
        told = f":has-text('{count} of 6 rows')" if count else " .empty"
        page.wait_for_selector(f"#evaluate-table{told}")
        assert page.locator("#evaluate-table tbody tr").count() == count
        page.click("#evaluate-shown label:has-text('all')")
        page.wait_for_selector("#evaluate-table:has-text('6 of 6 rows')")
    page.get_by_role("tab", name="Blind vote").click()
    pairs = int(page.inner_text("#evaluate-blind .small").rpartition(" ")[2])
    assert other.name not in page.inner_text("#evaluate-blind"), "nobody knows whose answers these are"
    for number in range(1, pairs + 1):
        page.wait_for_selector(f"#evaluate-blind:has-text('Pair {number} of {pairs}')")
        page.click("#evaluate-blind [data-do=left]")
    page.wait_for_selector("#evaluate-blind:has-text('Win rate')")
    picture(page, "evaluate-votes")
    numbers = [int(text) for text in page.locator("#evaluate-blind .facts .v").all_inner_texts()[:3]]
    assert sum(numbers) == pairs
    page.reload()
    page.locator("#evaluate-list .job").first.locator("[data-do=open]").click()
    page.get_by_role("tab", name="Blind vote").click()
    page.wait_for_selector("#evaluate-blind:has-text('Win rate')")


def test_one_model_alone_gets_scores(page: Any, studio: Studio, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.json", 8)
    newest = start(page, studio, rows, "nothing: its own answers and scores")
    assert "ROUGE-L" in newest.inner_text()
    newest.locator("[data-do=open]").click()
    page.wait_for_selector("#evaluate-table:has-text('6 of 6 rows')")
    page.get_by_role("tab", name="Blind vote").click()
    page.wait_for_selector("#evaluate-blind:has-text('needs two models')")
