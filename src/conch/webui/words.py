"""Words of a page that is built once and read in two languages.

A component is built with a mark in place of its text: `word("studio.nav.data")`. The page's document
gets the texts on its way to the browser, in that reader's language; a switch of the language
sends every marked component its texts anew, and touches nothing that was typed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from conch.core.text import speaking, tr

COOKIE = "conch_language"
LANGUAGES = ("en", "zh")
MARK = re.compile(r"@@([a-z]+\.[\w.]+)@@")


def word(key: str) -> str:
    """A mark for the text `key`, to be put wherever a component takes text."""
    return f"@@{key}@@"


def is_marked(value: Any) -> bool:
    """Whether a component's property holds a mark, at any depth."""
    match value:
        case str():
            return MARK.search(value) is not None
        case Mapping():
            return any(is_marked(item) for item in value.values())
        case list() | tuple():
            return any(is_marked(item) for item in value)
    return False


def filled(value: Any) -> Any:
    """`value` with the texts in place of the marks, in the language in use."""
    match value:
        case str():
            return MARK.sub(lambda mark: tr(mark[1]), value)
        case Mapping():
            return {key: filled(item) for key, item in value.items()}
        case list() | tuple():
            return type(value)(filled(item) for item in value)
    return value


def filled_document(body: str, language: str) -> str:
    """A page's document, in which marks stand inside of JSON strings, in one language."""
    with speaking(language):
        return MARK.sub(lambda mark: _inside_json(tr(mark[1])), body)


def _inside_json(text: str) -> str:
    """What can stand between the quotes of a JSON string inside of a script."""
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("<", "\\u003c")


def language_of(header: Callable[[str], str | None], cookies: Mapping[str, str]) -> str:
    """What a reader chose here, else what the browser asks for first."""
    chosen = cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    first = (header("accept-language") or "").strip().lower()
    return "zh" if first.startswith("zh") else "en"
