"""One studio and one browser for all tests here. Both are real; the model is tiny."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.studio import Studio, start_studio
from tests.tiny import write_rows

PICTURES = "CONCH_TEST_PICTURES"
"""Names the folder in which pictures of the pages are kept."""


def chromium() -> str | None:
    """The browser of the system; None for Playwright's own."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Not for the session: while Playwright is there, no other test of this process can run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Iterator[Studio]:
    """A studio with one tiny model in its home, which all tests share."""
    home = tmp_path_factory.mktemp("studio-home")
    kept = home / "hf" / "hub" / "models--conch--tiny"
    shutil.copytree(tiny_folder, kept / "snapshots" / "0123abcd")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("0123abcd", encoding="utf-8")
    with start_studio(home) as started:
        yield started


@pytest.fixture
def page(browser: Any, studio: Studio) -> Iterator[Any]:
    """A page of the studio in English, 1280 wide, that may ask nothing of other hosts."""
    with visitor(browser, studio) as opened:
        yield opened


def visitor(browser: Any, studio: Studio, language: str = "en-US", width: int = 1280) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def visit() -> Iterator[Any]:
        context = browser.new_context(locale=language, viewport={"width": width, "height": 900})
        outside: list[str] = []

        def guard(route: Any) -> None:
            outside.append(route.request.url)
            route.abort()

        # What goes to the studio passes without asking this process, which may be waiting for its effect.
        context.route(re.compile(rf"^(?!http://127\.0\.0\.1:{studio.port}/)"), guard)
        context.set_default_timeout(30_000)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page
            assert outside == [], "the studio asks other hosts"
            assert errors == []
        finally:
            context.close()

    return visit()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "questions.json")


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Any:
    """Keeps a picture of a page under a name, where a folder for them is named."""

    def keep(page: Any, name: str) -> None:
        folder = os.environ.get(PICTURES)
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    return keep
