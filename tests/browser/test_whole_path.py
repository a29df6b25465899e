"""The whole path in the browser: a dataset is added, trained on, tried, exported, and served to a client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from conch.runs import Run
from tests.browser.conftest import visitor
from tests.browser.studio import Studio, run_ids, start_studio, wait_for
from tests.tiny import write_rows

MODEL = "conch/tiny"


def choose(page: Any, field: str, value: str) -> None:
    page.fill(f"{field} input", value)
    page.press(f"{field} input", "Enter")


def test_from_a_file_to_a_served_answer(
    page: Any, browser: Any, studio: Studio, tmp_path: Path, picture: Any
) -> None:
    add_data(page, studio, tmp_path)
    run = train(page, studio)
    talk(page, run)
    folder = export(page, studio, run, picture)
    serve_and_call(page, browser, studio, folder, picture)


def add_data(page: Any, studio: Studio, tmp_path: Path) -> None:
    page.goto(studio.at("data"))
    page.set_input_files("#data-file input[type=file]", str(write_rows(tmp_path / "whole.json", 24)))
    page.wait_for_selector("#data-register", state="visible")
    page.click("#data-register")
    page.wait_for_selector("#data-list [data-do=use][data-key=whole]")
    page.click("#data-list [data-do=use][data-key=whole]")


def train(page: Any, studio: Studio) -> str:
    before = set(run_ids(studio.home))
    page.wait_for_selector("#train-form .few")
    for key, value in {"model_name_or_path": MODEL, "num_train_epochs": "1", "run_name": "whole"}.items():
        page.fill(f"#train-form .simple [data-field={key}]", value)
    page.wait_for_selector("#train-estimate .facts", timeout=60_000)
    page.click("#train-start")
    page.wait_for_selector("#run-detail .tag:has-text('finished')", timeout=120_000)
    (made,) = set(run_ids(studio.home)) - before
    assert Run(studio.home / "runs" / made).state() == "finished"
    return made


def talk(page: Any, run: str) -> None:
    """Straight from the run's page, with its base beside it: they share one server."""
    page.click("#run-detail [data-do=open-in][data-page=chat]")
    page.wait_for_function("document.querySelector('#chat-model input').value.startsWith('whole')")
    page.click("#chat-beside input")
    page.click("[role=option]:has-text('what it was tuned from')")
    page.click("#chat-settings button")
    page.fill("#chat-max_tokens input, #chat-max_tokens textarea", "8")
    page.fill("#chat-text textarea", "Who are you?")
    page.press("#chat-text textarea", "Enter")
    page.wait_for_selector("#chat-talk .reply >> nth=1")
    page.wait_for_function("!document.querySelector('#chat-talk .going')", timeout=120_000)
    assert page.locator("#chat-talk .note.bad").count() == 0, page.inner_text("#chat-talk")
    page.click("#chat-new")


def export(page: Any, studio: Studio, run: str, picture: Any) -> Path:
    page.click("#nav-export")
    page.wait_for_selector("#export-list .empty")
    choose(page, "#export-model", run)
    page.wait_for_selector(f"#export-command pre:has-text('conch export {run}')")
    page.dblclick("#export-start")
    page.wait_for_selector("#export-list .tag:has-text('done')", timeout=120_000)
    assert page.locator("#export-list .job").count() == 1, "a double click exports once"
    assert "✗" not in page.inner_text("#export-list")
    page.wait_for_selector("#export-list .note.good:has-text('Proved')")
    picture(page, "export-proof")
    folder = studio.home / "exports" / f"{run}-safetensors"
    assert (folder / "model.safetensors").is_file()
    choose(page, "#export-model", "no-such-model")
    page.click("#export-start")
    page.wait_for_selector("#export-list .note.bad:has-text('no-such-model')", timeout=60_000)
    return folder


def serve_and_call(page: Any, browser: Any, studio: Studio, folder: Path, picture: Any) -> None:
    """Other machines could reach it, so it asks for the key that was shown; it outlives the studio."""
    page.get_by_role("tab", name="Deploy").click()
    choose(page, "#serve-model", str(folder))
    page.fill("#serve-port input, #serve-port textarea", "0")
    page.click("#serve-reach label:has-text('other machines')")
    page.click("#serve-start")
    page.wait_for_selector("#serve-key pre")
    key = page.inner_text("#serve-key pre")
    page.wait_for_selector("#serve-list .tag:has-text('serving')", timeout=120_000)
    picture(page, "served")
    shown = page.inner_text("#serve-list pre >> nth=0")
    body = json.loads(shown.partition("-d '")[2].rpartition("'")[0])
    url = f"{page.inner_text('#serve-list .facts .v >> nth=0')}/chat/completions"
    assert ask(url, body, "wrong").status_code == 401
    answer = ask(url, {**body, "max_tokens": 4}, key)
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["role"] == "assistant"
    with start_studio(studio.home) as other, visitor(browser, other) as second:
        second.goto(other.at("export"))
        second.get_by_role("tab", name="Deploy").click()
        second.wait_for_selector("#serve-list .tag:has-text('serving')")
        assert key not in second.content(), "a key is shown once"
        second.click("#serve-list [data-do=stop]")
        second.wait_for_selector("#serve-list .tag:has-text('stopped')")
    wait_for(lambda: gone(url), 20, "nobody answers any more")
    page.wait_for_selector("#serve-list .tag:has-text('stopped')")


def ask(url: str, body: Any, key: str) -> httpx.Response:
    return httpx.post(url, json=body, headers={"authorization": f"Bearer {key}"}, timeout=60, trust_env=False)


def gone(url: str) -> bool:
    try:
        httpx.get(url, timeout=5, trust_env=False)
    except httpx.HTTPError:
        return True
    return False
