"""What layers hand up for the user to know: every text of it is in the catalogue."""

from __future__ import annotations

import ast
from pathlib import Path

import conch
from conch.core import text
from conch.core.notice import Notice
from conch.core.text import has, tr


def notices() -> list[tuple[str, set[str]]]:
    """Every notice that is made somewhere: its key, and the names of its values."""
    found = []
    for path in Path(conch.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Notice":
                key, values = node.args
                assert isinstance(key, ast.Constant)
                assert isinstance(values, ast.Dict)
                found.append((str(key.value), {k.value for k in values.keys if isinstance(k, ast.Constant)}))
    return found


def test_every_notice_can_be_told() -> None:
    assert len(notices()) >= 5
    for key, names in notices():
        assert has(key)
        for language in ("en", "zh"):
            text.set_language(language)
            assert tr(key, **dict.fromkeys(names, "X"))


def test_a_notice_follows_the_language() -> None:
    notice = Notice("template.not_compared", {"name": "x{y}"})
    assert "x{y}" in notice.message
    text.set_language("zh")
    assert "对话模板" in notice.message
