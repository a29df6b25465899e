"""pydantic's findings in the reader's language."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from conch.config.types import Bytes, Count, Float, Int, Share
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
        (Bytes, "much", "a size such as 2GB"),
        (Bytes, "-1 GB", "a size such as 2GB"),
        (Bytes, "0", "at least 1"),
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


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("2GB", 2_000_000_000),
        ("2 gb", 2_000_000_000),
        ("1.5G", 1_500_000_000),
        ("2GiB", 2 * 1024**3),
        ("512 kib", 512 * 1024),
        ("500MB", 500_000_000),
        ("1TB", 10**12),
        ("4096", 4096),
        (4096, 4096),
        (2e9, 2_000_000_000),
    ],
)
def test_sizes_as_people_write_them(written: Any, size: int) -> None:
    assert TypeAdapter(Bytes).validate_python(written) == size


@pytest.mark.parametrize("written", ["9" * 400, "9" * 400 + "GB", f"{'9' * 305}TiB", "GB", "-1GB", "1 XB"])
def test_what_is_no_size_is_told(written: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Bytes).validate_python(written)
    assert [error["type"] for error in caught.value.errors()] == ["size_wanted"]
