"""What holds for all pages: language, access, addresses, and nothing asked of other hosts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from conch.webui.pages import PAGES
from tests.browser.conftest import visitor
from tests.browser.proxy import below
from tests.browser.studio import Studio, start_studio

CHINESE = re.compile(r"[\u4e00-\u9fff]")
MARK = re.compile(r"@@[\w.]+@@")
SAME = {"中文 · English"}
WIDE, NARROW = 1280, 390


FILLED = {
    "models": "#models-list table",
    "data": "#data-list table",
    "train": "#train-estimate .note, #train-estimate .facts",
    "runs": "#runs-list table, #runs-list .empty",
    "chat": "#chat-talk .empty, #chat-talk .turn",
    "evaluate": "#evaluate-list .empty, #evaluate-list .job",
    "export": "#export-list .empty, #export-list .job",
    "machine": "#machine-found table",
}
"""What is there once a page has everything to show."""


def filled(page: Any, name: str) -> None:
    page.wait_for_selector(f"#page-{name}", state="visible")
    page.wait_for_selector(FILLED[name], timeout=90_000)


def shown(page: Any, name: str) -> str:
    """Every text on a page that a reader sees, labels of fields and hints included."""
    filled(page, name)
    hints = page.eval_on_selector_all(
        f"#page-{name} [placeholder], #page-{name} [title], #page-{name} [aria-label]",
        "all => all.filter(e => e.offsetParent)"
        ".map(e => [e.placeholder, e.title, e.ariaLabel].join(' ')).join('\\n')",
    )
    return f"{page.inner_text('body')}\n{hints}"


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_in_the_language_of_the_browser(
    name: str, browser: Any, studio: Studio, picture: Any
) -> None:
    with visitor(browser, studio, "zh-CN") as chinese, visitor(browser, studio, "en-US") as english:
        chinese.goto(studio.at(name))
        english.goto(studio.at(name))
        zh, en = shown(chinese, name), shown(english, name)
        picture(chinese, f"{name}-zh")
        picture(english, f"{name}-en")
    assert MARK.findall(zh + en) == []
    lines = {line.strip() for line in en.splitlines()} - SAME
    assert [line for line in lines if CHINESE.search(line)] == []
    sentences = {line.strip() for line in zh.splitlines()} & lines
    words = re.compile(r"[A-Za-z]{3,}( [a-z]{2,}){2,}")
    commands = {line for line in sentences if re.match(r"([A-Z_]+=\S+ )?conch ", line)}
    assert [line for line in sentences - commands if words.search(line)] == [], "untranslated"


OPENS = {
    "data": ["#data-list [data-do=open][data-key=magic_conch]"],
    "train": ["#train-form .view >> nth=1", "#train-shell button"],
    "chat": ["#chat-settings button", "#chat-keep button"],
    "export": ["#page-export [role=tab] >> nth=1", "#serve-more button"],
}
"""What is opened on pages that do not show everything at once."""


@pytest.mark.parametrize("name", OPENS)
def test_what_opens_on_a_page_is_translated_too(name: str, browser: Any, studio: Studio) -> None:
    """Down to the names that are only read aloud."""
    with visitor(browser, studio, "zh-CN") as page:
        page.goto(studio.at(name))
        filled(page, name)
        for opener in OPENS[name]:
            page.click(opener)
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        page.wait_for_timeout(1500)
        kinds = ("label", "p", "h2", "button", "summary", "option", ".note")
        told = page.eval_on_selector_all(
            ", ".join(f"#page-{name} {kind}" for kind in kinds),
            "all => all.filter((e) => e.offsetParent || e.tagName === 'OPTION').map((e) => e.textContent)",
        )
        aloud = page.eval_on_selector_all(
            f"#page-{name} [aria-label], #page-{name} .sr-only",
            "all => all.map((e) => e.ariaLabel || e.textContent.trim()).filter(Boolean)",
        )
    assert len(told) > 5
    words = re.compile(r"[A-Za-z]{3,}( [a-z]{2,}){2,}")
    assert [text for text in told if words.search(text) and not CHINESE.search(text)] == [], "untranslated"
    assert [text for text in aloud if re.fullmatch(r"[A-Z][a-z]+( [a-z]+)*", text)] == [], "untranslated"


def test_the_language_is_switched_in_place_and_entries_stay(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    page.fill("#models-name input", "owner/model")
    page.click("#language")
    page.wait_for_selector("#nav-models:has-text('模型')")
    assert page.input_value("#models-name input") == "owner/model"
    assert "获取模型" in page.inner_text("#page-models")
    page.wait_for_function("document.querySelector('#models-list').innerText.includes('参数量')")
    page.reload()
    page.wait_for_selector("#nav-models:has-text('模型')")
    page.click("#language")
    page.wait_for_selector("#nav-models:has-text('Models')")


def test_pages_that_are_opened_later_are_in_the_language_that_was_chosen(page: Any, studio: Studio) -> None:
    """Also those that were open before, and there and back again. What was typed in stays."""
    page.goto(studio.at("data"))
    filled(page, "data")
    page.click("#nav-chat")
    filled(page, "chat")
    page.fill("#chat-text textarea", "What do you say?")
    page.click("#language")
    page.wait_for_selector("#nav-data:has-text('数据')")
    for name in PAGES:
        page.click(f"#nav-{name}")
        page.wait_for_function(
            "(name) => /[\u4e00-\u9fff]/.test(document.querySelector(`#page-${name} h1`)?.innerText)",
            arg=name,
        )
        page.wait_for_timeout(1000)
        english = re.compile(r"[A-Za-z]{3,}( [a-z]{2,}){2,}")
        told = page.eval_on_selector_all(
            f"#page-{name} :is(h1, .head p, label, h2, button, .why)",
            "all => all.filter((e) => e.offsetParent).map((e) => e.innerText)",
        )
        assert [text for text in told if english.search(text) and not CHINESE.search(text)] == [], (
            "untranslated"
        )
    page.click("#language")
    page.wait_for_selector("#nav-data:has-text('Data')")
    page.click("#nav-chat")
    page.wait_for_function("!/[\u4e00-\u9fff]/.test(document.querySelector('#page-chat h1').innerText)")
    assert page.input_value("#chat-text textarea") == "What do you say?"


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_a_phone(name: str, browser: Any, studio: Studio, picture: Any) -> None:
    with visitor(browser, studio, width=NARROW) as page:
        page.goto(studio.at(name))
        filled(page, name)
        picture(page, f"{name}-narrow")
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW


def test_back_and_forth_lead_through_the_pages(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    page.wait_for_selector("#page-models", state="visible")
    page.click("#nav-data")
    page.wait_for_selector("#page-data", state="visible")
    assert "at=data" in page.url
    page.go_back()
    page.wait_for_selector("#page-models", state="visible")


def test_the_keyboard_alone_leads_to_a_page(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    page.wait_for_selector("#models-list table")
    for _ in range(2 * len(PAGES) + 6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "nav-data":
            break
    assert page.evaluate("document.activeElement.id") == "nav-data"
    page.keyboard.press("Enter")
    page.wait_for_selector("#page-data", state="visible")


def test_other_addresses_need_the_key_of_the_link(browser: Any, studio: Studio) -> None:
    with start_studio(studio.home, "--host", "0.0.0.0") as guarded, visitor(browser, guarded) as page:
        assert guarded.key
        assert page.goto(guarded.at("models")).status == 401
        upload = page.request.post(f"{guarded.url}/studio/gradio_api/upload", multipart={"files": "x"})
        assert upload.status == 401
        assert page.goto(f"{guarded.url}/?key=wrong").status == 401
        assert page.goto(f"{guarded.url}/?key={guarded.key}").status == 200
        page.wait_for_selector("#page-models", state="visible")
        page.goto(guarded.at("data"))
        page.wait_for_selector("#page-data", state="visible")
        assert guarded.key not in page.content()


def test_files_of_the_machine_are_not_given_out(page: Any, studio: Studio) -> None:
    for path in ("/etc/passwd", f"{studio.home}/settings.yaml", f"{studio.home}/models/tiny/config.json"):
        answer = page.request.get(f"{studio.url}/studio/gradio_api/file={path}")
        assert answer.status in {403, 404}


def test_notices_are_in_the_language_of_the_page(browser: Any, studio: Studio) -> None:
    with visitor(browser, studio, "zh-CN") as page:
        page.goto(studio.at("models"))
        page.click("#models-look")
        page.wait_for_selector(".toast-title:has-text('操作未成功')")
        assert "Error" not in page.inner_text(".toast-wrap")


def test_it_works_below_a_path_of_a_proxy(browser: Any, studio: Studio) -> None:
    prefix = "/user/7/proxy"
    with below(prefix, studio.port) as port:
        shown = Studio(studio.process, studio.home, port, None)
        with visitor(browser, shown) as page:
            page.goto(f"{shown.url}{prefix}/?at=models")
            page.wait_for_selector("#models-list table")
            page.click("#nav-data")
            page.click("#data-list [data-do=open][data-key=magic_conch]")
            page.wait_for_selector("#data-report .facts")
            assert page.url.startswith(f"{shown.url}{prefix}/studio/")
            page.click("#language")
            page.wait_for_selector("#nav-models:has-text('模型')")


def test_no_press_is_lost_while_the_stream_of_answers_ends(browser: Any, studio: Studio) -> None:
    """The page has not heard of the end yet when it asks; the server has ended the stream before."""
    with below("/late", studio.port, late=b'data: {"msg":"close_stream"', seconds=1.5) as port:
        shown = Studio(studio.process, studio.home, port, None)
        with visitor(browser, shown) as page:
            page.goto(f"{shown.url}/late/?at=chat")  # a page without a clock, whose ticks would open the next
            page.wait_for_selector("#chat-talk .empty")
            page.click("#chat-keep button")
            for name in ("one", "two", "three"):
                page.fill("#chat-dataset input, #chat-dataset textarea", name)
                page.click("#chat-keep-it")  # each is refused in words: there is nothing to keep yet
                page.wait_for_selector(".toast-wrap .toast-close", timeout=10_000)
                page.click(".toast-wrap .toast-close")
                page.wait_for_selector(".toast-wrap .toast-close", state="detached")
