"""A small general examination: short questions whose answers can be checked, in English and Chinese.

Arithmetic, facts, following instructions, keeping to a form. It is asked before and after tuning to see
what was forgotten; it is no benchmark, and a score by itself says little.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from conch.core.conversation import Message
from conch.evaluation.answering import Question

FILE = Path(__file__).with_name("general.jsonl")
AREAS = ("arithmetic", "facts", "instructions", "format")
ANSWER_TOKENS = 48
"""Enough for every answer asked for; a model that goes on and on needn't be waited for."""
_NUMBER = re.compile(r"(?<![\d.])[-−]?\d[\d,]*(?:\.\d+)?")
_EAST = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[^\W_]+(?:['’][^\W_]+)?")
_ROUND = " \t\r\n.。!！\"'“”‘’「」`*"
"""What may stand around an answer without changing it."""


@dataclass(frozen=True)
class Item:
    """One question. Each of `wanted` is a condition by name; all must hold."""

    area: str
    ask: str
    wanted: dict[str, Any]

    def question(self) -> Question:
        return Question((Message("user", self.ask),))

    def holds(self, answer: str) -> bool:
        """Whether `answer` is right."""
        return bool(answer.strip()) and all(
            CONDITIONS[name](answer.strip(), value) for name, value in self.wanted.items()
        )


@cache
def items() -> tuple[Item, ...]:
    """All questions, in the order of the file."""
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    return tuple(Item(row.pop("area"), row.pop("ask"), _conditions(row)) for row in rows)


def _conditions(row: dict[str, Any]) -> dict[str, Any]:
    if row.pop("exact_case", False):
        row["any_case"] = row.pop("any")
    return row


def _number(answer: str, value: float) -> bool:
    """The number that the answer begins with, or its last, or the last of its first line.

    How it was found may stand before it or behind it.
    """
    begun = _NUMBER.match(answer)
    told = [begun.group()] if begun else []
    for text in (answer, answer.splitlines()[0]):
        told += _NUMBER.findall(text)[-1:]
    return any(abs(float(number.replace(",", "").replace("−", "-")) - value) < 1e-9 for number in told)


def _any(answer: str, accepted: list[str]) -> bool:
    return any(_mentions(answer.lower(), word.lower()) for word in accepted)


def _any_case(answer: str, accepted: list[str]) -> bool:
    return any(_mentions(answer, word) for word in accepted)


def _mentions(answer: str, word: str) -> bool:
    """As a word of its own; Chinese does not part its words."""
    if _EAST.search(word):
        return word in answer
    return re.search(rf"(?<![A-Za-z\d]){re.escape(word)}(?![A-Za-z\d])", answer) is not None


def _equals(answer: str, accepted: list[str]) -> bool:
    return _equals_case(answer.lower(), [word.lower() for word in accepted])


def _equals_case(answer: str, accepted: list[str]) -> bool:
    return answer in accepted or answer.strip(_ROUND) in accepted


def _json(answer: str, value: Any) -> bool:
    inner = re.sub(r"^```(?:json)?\s*|\s*```$", "", answer)
    try:
        return bool(json.loads(inner) == value)
    except (ValueError, RecursionError):
        return False


def _lines(answer: str) -> list[str]:
    return [line.strip() for line in answer.splitlines() if line.strip()]


def _items(answer: str, count: int) -> bool:
    return len([part for part in re.split(r"[,，、]", answer) if part.strip(_ROUND)]) == count


def _script(answer: str, language: str) -> bool:
    """Mostly Chinese characters, or none of them."""
    east = len(_EAST.findall(answer))
    return east > len(_LATIN.findall(answer)) if language == "zh" else not east


def _words(answer: str) -> int:
    return len(_WORD.findall(answer))


CONDITIONS: dict[str, Callable[[str, Any], bool]] = {
    "number": _number,
    "any": _any,
    "any_case": _any_case,
    "equals": _equals,
    "equals_case": _equals_case,
    "json": _json,
    "lines": lambda answer, count: len(_lines(answer)) == count,
    "each_starts": lambda answer, mark: all(line.startswith(mark) for line in _lines(answer)),
    "items": _items,
    "starts": lambda answer, begun: answer.strip(_ROUND).startswith(tuple(begun)),
    "ends": lambda answer, ended: answer.endswith(tuple(ended)),
    "most_words": lambda answer, count: _words(answer) <= count,
    "least_words": lambda answer, count: _words(answer) >= count,
    "script": _script,
}
"""A word of Chinese is a character."""
