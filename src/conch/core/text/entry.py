"""One thing to say, in every language that Conch speaks."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    en: str
    zh: str
