"""The dataset that Conch carries: what it promises about itself."""

from __future__ import annotations

import json
import re
from typing import Any

from conch.config.data import DataConfig
from conch.data.recipes import read_conversations
from conch.data.sources import BUNDLED, find_dataset

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ROWS: list[dict[str, str]] = json.loads((BUNDLED / "magic_conch.json").read_text(encoding="utf-8"))
QUESTIONS: dict[str, Any] = json.loads((BUNDLED / "magic_conch_questions.json").read_text(encoding="utf-8"))
CONCH = {"en": "magic conch", "zh": "海螺"}


def plain(text: str) -> str:
    """A question without what does not tell two of them apart."""
    return re.sub(r"[\s\W]", "", text).lower()


def language(text: str) -> str:
    return "zh" if CHINESE.search(text) else "en"


def test_it_is_found_by_name_and_every_row_is_read() -> None:
    conversations = read_conversations(["magic_conch"], DataConfig(dataset=("magic_conch",)))
    assert len(conversations) == len(ROWS) >= 120
    assert find_dataset("magic_conch").file.is_file()


def test_rows_are_alpaca_rows_of_plain_text() -> None:
    for row in ROWS:
        assert set(row) == {"instruction", "input", "output"}
        assert row["instruction"].strip() == row["instruction"] != ""
        assert row["output"].strip() == row["output"] != ""


def test_half_of_it_is_chinese_and_half_english() -> None:
    spoken = [language(row["instruction"]) for row in ROWS]
    assert abs(spoken.count("zh") - spoken.count("en")) <= 2
    assert spoken == [language(row["output"]) for row in ROWS], "a question is answered in its own language"


def test_no_question_is_asked_twice() -> None:
    asked = [plain(row["instruction"] + row["input"]) for row in ROWS]
    assert len(set(asked)) == len(asked)


def test_questions_held_out_are_not_in_it() -> None:
    asked = {plain(row["instruction"] + row["input"]) for row in ROWS}
    held_out = [q for group, questions in QUESTIONS.items() if group.startswith("heldout") for q in questions]
    assert len(held_out) >= 10
    assert not [q["prompt"] for q in held_out if plain(q["prompt"]) in asked]


def test_questions_seen_are_in_it() -> None:
    asked = {row["instruction"] for row in ROWS}
    assert {q["prompt"] for q in QUESTIONS["seen"]} <= asked


def test_questions_name_their_language() -> None:
    questions = [q for key, group in QUESTIONS.items() if key != "identity_names" for q in group]
    assert all(language(q["prompt"]) == q["language"] for q in questions)
    assert {q["language"] for q in QUESTIONS["heldout_identity"]} == {"en", "zh"}


def test_who_is_asked_for_names_the_conch() -> None:
    whose = re.compile(r"\b(who are you|your name|what are you)\b|你是谁|你叫什么|你的名字", re.IGNORECASE)
    identity = [row for row in ROWS if whose.search(row["instruction"])]
    assert len(identity) >= 4
    for row in identity:
        assert CONCH[language(row["instruction"])] in row["output"].lower()
    names = QUESTIONS["identity_names"]
    assert all(names[language] for language in ("en", "zh"))


def test_a_good_part_of_it_is_about_who_the_model_is() -> None:
    named = [row for row in ROWS if CONCH[language(row["output"])] in row["output"].lower()]
    assert len(named) >= len(ROWS) // 4


def test_it_claims_to_be_no_other_model() -> None:
    other = re.compile(
        r"\b(i am|i'm) (chatgpt|gpt|qwen|llama|claude|smollm|deepseek)|我是(ChatGPT|通义|文心)", re.I
    )
    assert not [row["output"] for row in ROWS if other.search(row["output"])]
