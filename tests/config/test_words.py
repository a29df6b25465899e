"""pydantic's findings in the reader's language."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from conch.config.types import Count, Float, Int, Share
from conch.config.words import choices, expected


def finding(kind: Any, value: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    detail = caught.value.errors()[0]
    return detail["type"], detail.get("ctx", {})


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [
        (bool, "perhaps", "true or false"),
        (bool, 7.5, "true or false"),
        (Int, "many", "a whole number"),
        (Int, 1.5, "a whole number"),
        (Count, 0, "at least 1"),
        (Share, 1.5, "at most 1"),
        (Float, float("nan"), "a number"),
        (Share, True, "a number"),
        (str, 5, "text"),
        (dict[str, Any], 5, "a mapping of names to values"),
        (Literal["a", "b", "c"], "d", "one of a, b, c"),
        (Literal["a"], "d", "one of a"),
    ],
)
def test_findings_are_told_in_our_words(kind: Any, value: Any, told: str) -> None:
    assert expected(*finding(kind, value)) == told


def test_what_has_no_words_of_its_own() -> None:
    assert expected("something_new", {}) == "a valid value"


def test_large_bounds_are_told_in_full() -> None:
    assert expected("greater_than_equal", {"ge": -(2**63)}) == f"at least {-(2**63)}"
    assert expected("less_than", {"lt": 0.5}) == "less than 0.5"


def test_choices() -> None:
    assert choices(finding(Literal["a", "b"], "x")[1]) == ["a", "b"]
