"""One build of the pages, read in two languages."""

from __future__ import annotations

import json

import pytest

from conch.core.text import speaking, tr
from conch.webui.words import COOKIE, filled, filled_document, is_marked, language_of, word


def test_marks_are_filled_at_any_depth() -> None:
    built = {"label": word("studio.nav.data"), "choices": [(word("studio.cancel"), "x")], "value": 3}
    assert is_marked(built)
    with speaking("zh"):
        assert filled(built) == {"label": "数据", "choices": [("取消", "x")], "value": 3}
    assert not is_marked(filled(built))


def test_a_document_stays_json() -> None:
    text = json.dumps({"a": word("studio.models.cancelled.fix"), "b": f"<b>{word('studio.nav.data')}</b>"})
    told = json.loads(filled_document(text, "en"))
    assert told == {"a": tr("studio.models.cancelled.fix"), "b": "<b>Data</b>"}


@pytest.mark.parametrize(
    ("accepts", "cookie", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", None, "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", None, "en"),
        ("fr", None, "en"),
        (None, None, "en"),
        ("zh-CN", "en", "en"),
        ("en", "zh", "zh"),
        ("en", "../x", "en"),
    ],
)
def test_a_choice_comes_before_what_the_browser_says(
    accepts: str | None, cookie: str | None, language: str
) -> None:
    cookies = {COOKIE: cookie} if cookie else {}
    assert language_of({"accept-language": accepts}.get, cookies) == language
