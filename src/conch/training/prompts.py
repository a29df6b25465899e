"""The prompts to sample: as given, or the lines of a file. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conch.core.errors import UsageError
from conch.core.files import expanded

SUFFIXES = frozenset({".txt", ".md"})
"""A single prompt that ends so is a file's name."""


def read_prompts(given: Sequence[str]) -> tuple[str, ...]:
    """`given` itself; or, where it is the name of one file, that file's lines, empty ones left out.

    Raises UsageError where the file can't be read.
    """
    if len(given) != 1 or "\n" in given[0] or Path(given[0]).suffix not in SUFFIXES:
        return tuple(given)
    file = expanded(given[0])
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("training.no_prompts", file=file, reason=error) from error
    return tuple(line.strip() for line in lines if line.strip())
