"""What a browser is given at first, and what it is told with each event, stays small."""

from __future__ import annotations

from typing import Any

import pytest

from conch.webui import frame
from conch.webui.page import Studio
from conch.webui.pages import PAGES
from conch.webui.words import is_marked


@pytest.fixture(scope="module")
def built() -> tuple[Studio, dict[str, Any]]:
    studio = Studio()
    return studio, frame.build(studio).get_config_file()


def parts(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The components by the names that scripts know them by."""
    return {part["props"].get("elem_id"): part for part in config["components"]}


def within(layout: dict[str, Any]) -> set[int]:
    return {layout["id"]}.union(*map(within, layout.get("children", ())))


def found(layout: dict[str, Any], wanted: int) -> dict[str, Any] | None:
    """The part of the layout that one component is the root of."""
    if layout["id"] == wanted:
        return layout
    below = (found(child, wanted) for child in layout.get("children", ()))
    return next(filter(None, below), None)


def clicked(config: dict[str, Any], button: int) -> dict[str, Any]:
    (event,) = [each for each in config["dependencies"] if (button, "click") in map(tuple, each["targets"])]
    return event


def test_no_page_is_drawn_before_it_is_opened(built: tuple[Studio, dict[str, Any]]) -> None:
    named = parts(built[1])
    for name in PAGES:
        column = named[f"page-{name}"]
        assert column["props"]["visible"] is False
        assert column["id"] in clicked(built[1], named[f"nav-{name}"]["id"])["outputs"]


def test_every_word_is_told_anew_with_its_page(built: tuple[Studio, dict[str, Any]]) -> None:
    """In another language: the page's own words and those of the navigation, and no other page's."""
    config = built[1]
    named = parts(config)
    marked = {part["id"] for part in config["components"] if is_marked(part["props"])}
    side = within(found(config["layout"], named["side"]["id"]) or {})
    reached: set[int] = set()
    for name in PAGES:
        own = side | within(found(config["layout"], named[f"page-{name}"]["id"]) or {})
        told = set(clicked(config, named[f"retell-{name}"]["id"])["outputs"])
        assert told == marked & own
        reached |= told
    assert reached == marked
    assert len(marked) > 100


def test_events_tell_of_progress_only_where_it_is_shown(built: tuple[Studio, dict[str, Any]]) -> None:
    called = [each for each in built[1]["dependencies"] if each["backend_fn"]]
    hidden = [each for each in called if each["show_progress"] == "hidden"]
    assert all(each["show_progress_on"] == [] for each in hidden)
    assert len(hidden) > 0.8 * len(called)


def test_there_is_one_clock_for_each_page_that_asks_for_one(built: tuple[Studio, dict[str, Any]]) -> None:
    studio, config = built
    clocks = [part for part in config["components"] if part["type"] == "timer"]
    assert len(clocks) == sum(len(page.timers) for page in studio.opened.values())
