"""Errors say what happened, where, and what to do; in both languages and as JSON."""

from __future__ import annotations

import json

import pytest

from conch.core import errors, text
from conch.core.errors import ConchError, ConfigErrors, DataError, Problem, RowError, UsageError, first_line


def problem(**changes: object) -> Problem:
    values = {"key": "lora_rnak", "value": 16, "expected": "a known key", "where": "a.yaml line 3"}
    return Problem(**{**values, "suggestion": "lora_rank", **changes})  # type: ignore[arg-type]


def test_a_problem_names_key_value_expectation_place_and_suggestion() -> None:
    assert problem().sentence() == (
        "lora_rnak = 16: expected a known key (a.yaml line 3); did you mean 'lora_rank'?"
    )
    assert problem(where="", suggestion="").sentence() == "lora_rnak = 16: expected a known key"


def test_all_problems_are_told_each_on_its_line() -> None:
    error = ConfigErrors([problem(), problem(key="bf16", value="maybe", suggestion="")])
    lines = str(error).splitlines()
    assert len(lines) == 3
    assert "2" in lines[0]
    assert "lora_rnak" in lines[1]
    assert "bf16 = 'maybe'" in lines[2]
    assert error.hint


def test_a_long_value_is_cut_short_in_the_text() -> None:
    assert len(problem(value="x" * 10_000).sentence()) < 400


def test_config_errors_as_json_name_every_part() -> None:
    data = ConfigErrors([problem()]).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["kind"] == "ConfigErrors"
    assert data["problems"] == [
        {
            "key": "lora_rnak",
            "value": 16,
            "expected": "a known key",
            "where": "a.yaml line 3",
            "suggestion": "lora_rank",
        }
    ]


def test_message_and_hint_are_filled_in_and_follow_the_language() -> None:
    error = RowError("check.empty", file="a.json", row=3, column="output")
    assert "a.json" in str(error)
    assert "3" in str(error)
    assert error.hint
    english = (error.message, error.hint)
    text.set_language("zh")
    assert error.message != english[0]
    assert error.hint != english[1]
    assert "第 3 条" in error.message


def test_values_with_braces_are_shown_as_they_stand() -> None:
    error = DataError("data.no_file", file="{odd} {0} {{name}}.json")
    assert "{odd} {0} {{name}}.json" in error.message


TREE = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, ConchError)]


@pytest.mark.parametrize("cls", TREE)
def test_exit_codes(cls: type[ConchError]) -> None:
    assert cls.exit_code == (2 if issubclass(cls, UsageError) else 1)


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = set(errors.__doc__.split()) if errors.__doc__ else set()
    assert {cls.__name__ for cls in TREE} <= drawn


def test_a_foreign_error_in_one_line() -> None:
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
    assert first_line(ValueError("\nlater")) == "ValueError"
