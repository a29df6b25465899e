"""Formats of rows. A new format is a new file beside this one, and a line in the table.

A format turns one row into one sample, complaining by file, row and column. Recognising a
format is another matter (`conch.data.recognise`); a format only says what a row looks like to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from conch.data.clues import Clues
from conch.data.formats.alpaca import AlpacaFormat
from conch.data.formats.kto import KtoFormat
from conch.data.formats.openai import OpenAIFormat
from conch.data.formats.pairwise import PairwiseFormat
from conch.data.formats.sharegpt import SharegptFormat
from conch.data.formats.text import TextFormat
from conch.data.layout import Layout
from conch.data.rows import Row, Sample


class Format(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def sample(self) -> type[Sample]:
        """What its rows become."""
        ...

    @property
    def layout(self) -> Layout:
        """Where the parts of a row are unless told otherwise."""
        ...

    @property
    def rank(self) -> int:
        """Where a row looks like several formats, those of the lowest rank count."""
        ...

    def clues(self, values: Mapping[str, Any]) -> Clues | None:
        """Which columns hold what, if a row of these values looks like this format."""
        ...

    def read(self, row: Row, layout: Layout, default_system: str | None = None) -> Sample:
        """The sample of `row`. Raises RowError."""
        ...


FORMATS: dict[str, Format] = {
    format.name: format
    for format in (
        AlpacaFormat(),
        SharegptFormat(),
        OpenAIFormat(),
        PairwiseFormat(),
        KtoFormat(),
        TextFormat(),
    )
}
"""Name to format, in the order in which users meet them."""
