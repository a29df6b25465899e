"""The Chinese texts use one word for each term: that of docs/glossary.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_text import ENTRIES

ROOT = Path(__file__).parents[1]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ")
][1:]
DISCARDED = {word.strip(): row[1] for row in ROWS for word in row[2].split(",") if word.strip()}
LATIN_WORD = "(?<![A-Za-z_{{<./-]){}s?(?![A-Za-z_}}>-])"
"""As a word of the sentence: not inside of a key, a placeholder, a path or an option."""
QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\{[^}]*\}|https?://\S+")
TERMS_OF_OTHERS = {"梯度检查点"}


def discarded_in(text: str) -> list[str]:
    said = QUOTED.sub(" ", text)
    for term in TERMS_OF_OTHERS:
        said = said.replace(term, "")
    return [word for word in DISCARDED if re.search(_pattern(word), said)]


def _pattern(word: str) -> str:
    if not word.isascii():
        return re.escape(word)
    return LATIN_WORD.format(f"[{word[0].upper()}{word[0]}]{re.escape(word[1:])}")


def test_the_table_is_read() -> None:
    assert len(ROWS) > 15
    assert DISCARDED["token"] == "词元"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("共 {tokens} 个 token。", ["token"]),
        ("使用 eos_token 和 `token`，max_tokens。", []),
        ("验证损失上升", ["验证损失"]),
        ("验证导出", []),
    ],
)
def test_discarded_words_are_found(text: str, found: list[str]) -> None:
    assert discarded_in(text) == found


def test_no_text_uses_a_discarded_word() -> None:
    assert {key: words for key, text in ENTRIES.items() if (words := discarded_in(text.zh))} == {}


def test_a_person_is_addressed_as_您() -> None:
    asked = "你好|你是谁"  # what a person may say to a model
    familiar = re.compile("[^“]*你")
    assert [key for key, text in ENTRIES.items() if familiar.search(re.sub(asked, "", text.zh))] == []


def test_rows_are_counted_in_条_and_not_in_lines() -> None:
    counted = re.compile(r"\{(rows|cut|eval|train|batch|train_rows|eval_rows|truncated_rows)\} ?行")
    assert [key for key, text in ENTRIES.items() if counted.search(text.zh)] == []


def test_no_text_glues_a_noun_to_应为() -> None:
    assert [key for key, text in ENTRIES.items() if "应为 {expected}" in text.zh] == []


def test_the_chinese_readme_keeps_to_the_table() -> None:
    text = (ROOT / "README.zh.md").read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert discarded_in(prose) == []
