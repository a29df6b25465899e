"""The format and columns of rows that nobody described, from the first of them.

It says what it saw and how sure it is; where two readings are equally good it doesn't guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conch.core.errors import DataError
from conch.data.clues import Candidates, Clues, one_of
from conch.data.formats import FORMATS, Format
from conch.data.layout import MEDIA, Layout
from conch.data.rows import Fault, Item, Row

LOOKED_AT = 100
"""How many rows are looked at."""
_EXTRAS = {
    "system": (("system",), ("system_prompt",)),
    "tools": (("tools",),),
    "history": (("history",),),
    **{part: ((part,), (part.removesuffix("s"),)) for part in MEDIA},
}
"""Parts that any format may have, under their usual names."""


@dataclass(frozen=True)
class Recognised:
    """A format with the places of its parts, and how many of the rows looked at fit it."""

    format: Format
    layout: Layout
    fitting: int
    looked_at: int


def recognise(items: Sequence[Item], place: str, only: str | None = None) -> Recognised:
    """The format of the rows among `items`, or just the columns if it must be `only` that one.

    Raises DataError where there is none, or more than one.
    """
    rows = [item.values for item in items if isinstance(item, Row)]
    if not rows:
        faults = (item.error for item in items if isinstance(item, Fault))
        raise next(faults, DataError("data.empty", file=place))
    votes: Counter[str] = Counter()
    clues: dict[str, list[Clues]] = {}
    for values in rows:
        for name, found in _readings(values, only).items():
            votes[name] += 1
            clues.setdefault(name, []).append(found)
    if not votes:
        seen = ", ".join(map(str, rows[0])) or "-"
        if only is not None:
            raise DataError("data.not_of_format", file=place, format=only, columns=seen)
        raise DataError("data.unrecognised", file=place, columns=seen, formats=", ".join(FORMATS))
    (name, fitting), *others = votes.most_common()
    rivals = [other for other, count in others if 2 * count >= fitting]
    if rivals:
        formats = ", ".join([name, *rivals])
        raise DataError("data.several_formats", file=place, formats=formats)
    format = FORMATS[name]
    return Recognised(format, _layout(format, clues[name], rows, place), fitting, len(rows))


def _readings(values: Mapping[str, Any], only: str | None) -> dict[str, Clues]:
    """The formats of the lowest rank that a row looks like."""
    formats = FORMATS if only is None else {only: FORMATS[only]}
    found = {name: clues for name, format in formats.items() if (clues := format.clues(values))}
    lowest = min((FORMATS[name].rank for name in found), default=0)
    return {name: clues for name, clues in found.items() if FORMATS[name].rank == lowest}


def _layout(format: Format, clues: list[Clues], rows: list[Mapping[str, Any]], place: str) -> Layout:
    layout = clues[0].layout
    parts = dict.fromkeys(part for found in clues for part in found.parts)
    named = {part: _column(part, [found.parts.get(part, ()) for found in clues], place) for part in parts}
    keys = {key for values in rows for key in values}
    used = set(named.values())
    for part, groups in _EXTRAS.items():
        column = next(iter(one_of(dict.fromkeys(keys), groups)), None)
        if column is not None and column not in used and (part != "history" or layout.columns.prompt):
            named[part] = column
    unused = {"response": None} if format.name == "pairwise" and layout.columns.response else {}
    given: dict[str, str | None] = {part: column for part, column in named.items() if column is not None}
    return replace(layout, columns=layout.columns.changed({**unused, **given}))


def _column(part: str, candidates: list[Candidates], place: str) -> str | None:
    """The column that most rows name for a part."""
    votes = Counter(names for names in candidates if names)
    if not votes:
        return None
    names = votes.most_common(1)[0][0]
    if len(names) > 1:
        raise DataError("data.several_columns", file=place, part=part, columns=", ".join(names))
    return names[0]
