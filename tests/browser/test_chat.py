"""Talking to models in the browser: side by side, stopped, edited, answered anew, kept as data."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest

from conch.webui import jobs
from conch.webui.jobs import Job
from tests.browser.conftest import visitor
from tests.browser.proxy import below
from tests.browser.studio import Studio, start_studio, wait_for

MODEL = "conch/tiny"
DONE = "document.querySelectorAll('#chat-talk .reply').length && !document.querySelector('#chat-talk .going')"


def open_chat(page: Any, studio: Studio) -> None:
    page.goto(studio.at("chat", model=MODEL))
    page.wait_for_selector("#chat-talk .empty, #chat-talk .turn")
    page.wait_for_function(f"document.querySelector('#chat-model input').value === '{MODEL}'")


def ask(page: Any, text: str) -> None:
    page.fill("#chat-text textarea", text)
    page.press("#chat-text textarea", "Enter")
    page.wait_for_selector(f"#chat-talk .asked:has-text('{text}')")


def bound(page: Any, tokens: int, system: str = "") -> None:
    page.click("#chat-settings button")
    page.fill("#chat-max_tokens input, #chat-max_tokens textarea", str(tokens))
    page.fill("#chat-system textarea", system)


def test_two_models_answer_one_question(page: Any, studio: Studio, picture: Any) -> None:
    """Asked, answered, edited, asked anew; after a refresh it is all there, and it becomes a row."""
    open_chat(page, studio)
    bound(page, 12, system="Be brief.")
    page.fill("#chat-beside input", MODEL)
    page.press("#chat-beside input", "Enter")
    ask(page, "Who are you?")
    page.wait_for_function(DONE, timeout=120_000)
    replies = page.locator("#chat-talk .reply")
    assert replies.count() == 2
    assert "tokens" in replies.nth(0).inner_text()
    picture(page, "chat-two")
    page.click("#chat-talk .asked [data-do=edit]")
    page.wait_for_function("document.querySelector('#chat-text textarea').value === 'Who are you?'")
    ask(page, "What is your name?")
    page.wait_for_function(DONE)
    assert page.locator("#chat-talk .asked").count() == 1, "an edited question takes the place of the old"
    replies.nth(1).locator("[data-do=edit]").click()
    page.wait_for_selector("#chat-editing .note")
    page.fill("#chat-text textarea", "I am **the** conch.")
    page.press("#chat-text textarea", "Enter")
    page.wait_for_selector("#chat-talk .reply strong:has-text('the')")
    page.reload()
    page.wait_for_selector("#chat-talk .reply strong")
    page.click("#chat-keep button")
    page.fill("#chat-dataset input, #chat-dataset textarea", "talks")
    page.click("#chat-keep >> text=right")
    page.click("#chat-keep-it")
    file = studio.home / "data" / "files" / "talks.jsonl"
    wait_for(file.exists, 20, "a row")
    row = json.loads(file.read_text(encoding="utf-8"))
    assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert row["messages"][-1]["content"] == "I am **the** conch."


def test_the_next_question_goes_on_and_a_new_talk_begins_empty(page: Any, studio: Studio) -> None:
    open_chat(page, studio)
    bound(page, 4)
    for number, text in enumerate(("Tell me everything.", "And now?"), 1):
        ask(page, text)
        page.wait_for_function(DONE, timeout=60_000)
        assert page.locator("#chat-talk .turn").count() == number
    page.click("#chat-talk .turn >> nth=0 >> [data-do=retry]")
    page.wait_for_function("document.querySelectorAll('#chat-talk .turn').length === 1")
    page.wait_for_function(DONE)
    page.click("#chat-new")
    page.wait_for_selector("#chat-talk .empty")
    page.reload()
    page.wait_for_selector("#chat-talk .empty")


def test_what_goes_wrong_is_told_in_words(page: Any, studio: Studio) -> None:
    open_chat(page, studio)
    page.fill("#chat-model input", "no-such-model")
    page.press("#chat-model input", "Enter")
    ask(page, "Who are you?")
    page.wait_for_selector("#chat-talk .note.bad:has-text('no-such-model')", timeout=60_000)
    bound(page, 4)
    page.fill("#chat-temperature input, #chat-temperature textarea", "hot")
    page.fill("#chat-text textarea", "Who are you?")
    page.press("#chat-text textarea", "Enter")
    page.wait_for_selector("text=hot")
    assert page.locator("#chat-talk .turn").count() == 1


def test_an_answer_comes_through_a_proxy_that_cuts_idle_streams(
    browser: Any, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's process is held up for longer than the proxy waits for a byte."""
    idle = 14.0
    monkeypatch.setenv("CONCH_HOME", str(studio.home))
    with start_studio(studio.home) as own, below("/cut", own.port, idle=idle) as port:
        shown = Studio(own.process, own.home, port, None)
        with visitor(browser, shown) as page:
            page.goto(f"{shown.url}/cut/?at=chat&model={MODEL}")
            page.wait_for_selector("#chat-talk .empty")
            page.wait_for_function(f"document.querySelector('#chat-model input').value === '{MODEL}'")
            bound(page, 4)
            ask(page, "Who are you?")
            held = wait_for(lambda: jobs_of(own.process.pid), 60, "the model's process")[0]
            os.kill(held.worker.pid, signal.SIGSTOP)
            time.sleep(idle + 4)
            os.kill(held.worker.pid, signal.SIGCONT)
            page.wait_for_function(DONE, timeout=120_000)
            assert page.locator("#chat-talk .note.bad").count() == 0


def jobs_of(owner: int) -> list[Job]:
    return [job for job in jobs.jobs("held") if job.owner and job.owner.pid == owner and job.is_alive()]


def test_models_in_memory_end_with_the_studio(
    browser: Any, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_studio(studio.home) as own, visitor(browser, own) as page:
        open_chat(page, own)
        bound(page, 4)
        ask(page, "Who are you?")
        page.wait_for_function(DONE, timeout=120_000)
        assert page.locator("#chat-talk .note.bad").count() == 0
        monkeypatch.setenv("CONCH_HOME", str(studio.home))
        (held,) = jobs_of(own.process.pid)
        assert held.is_alive()
    wait_for(lambda: not held.is_alive(), 30, "the model's process ends")
