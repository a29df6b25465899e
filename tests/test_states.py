"""States of runs are shown in the reader's language, wherever a text names one."""

from __future__ import annotations

import ast
from typing import get_args

from conch.core.text import has, set_language, tr
from conch.runs.run import State, told
from tests.test_text import CHINESE, SUBJECTS, TREES, error_classes, place


def test_every_state_has_a_word_in_both_languages() -> None:
    for state in get_args(State):
        assert has(f"runs.state.{state}")
        set_language("en")
        assert told(state) == state
        set_language("zh")
        assert CHINESE.search(told(state))
    assert len([key for key in SUBJECTS["runs"] if key.startswith("runs.state.")]) == len(get_args(State))


def test_no_text_is_given_a_bare_state() -> None:
    """`state=run.state()` would show `running` in a Chinese sentence."""
    bare, seen, tellers = [], 0, {"tr", *error_classes()}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            for keyword in node.keywords if name in tellers else ():
                if keyword.arg != "state":
                    continue
                seen += 1
                call = keyword.value
                maker = getattr(getattr(call, "func", None), "id", "") or getattr(
                    getattr(call, "func", None), "attr", ""
                )
                if maker not in {"told", "told_state"}:
                    bare.append(place(path, node))
    assert bare == []
    assert seen > 8


def test_a_busy_run_is_refused_in_chinese_words() -> None:
    set_language("zh")
    assert tr("runs.busy", name="x", state=told("running")) == "训练 x 的状态：进行中。"
