"""Calls to be copied: they are sound whatever the names hold."""

from __future__ import annotations

import ast
import json
import shlex

from conch.webui.calls import KEY, calls

QUESTION = 'It\'s "你好" \\ $HOME'


def test_the_calls_hold_their_texts_unharmed() -> None:
    found = calls("http://127.0.0.1:8000", "my'model", QUESTION, locked=True)
    words = shlex.split(found["curl"].replace("\\\n", " "))
    assert words[:2] == ["curl", "http://127.0.0.1:8000/v1/chat/completions"]
    assert f"Authorization: Bearer {KEY}" in words
    body = json.loads(words[words.index("-d") + 1])
    assert body["model"] == "my'model"
    assert body["messages"][0]["content"] == QUESTION
    texts = [node.value for node in ast.walk(ast.parse(found["Python"])) if isinstance(node, ast.Constant)]
    assert {"my'model", QUESTION, KEY, "http://127.0.0.1:8000/v1"} <= set(texts)
    assert json.dumps(QUESTION, ensure_ascii=False) in found["JavaScript"]


def test_a_server_without_a_key_asks_for_none() -> None:
    found = calls("http://127.0.0.1:8000", "m", "?", locked=False)
    assert "Bearer" not in found["curl"]
    assert not any(KEY in text for text in found.values())
