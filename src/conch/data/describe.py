"""A file or hub dataset → the description that `conch data add` keeps of it.

It is written in LLaMA-Factory's own words, so that its registry could be read by that tool, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import islice
from typing import Any

from conch.core.errors import DataError
from conch.core.notice import Hear, unheard
from conch.data.archives import is_readable
from conch.data.dataset import URL_KEYS, Dataset
from conch.data.layout import ALPACA, OPENAI, SHAREGPT, Layout
from conch.data.reading import files_of, items_of
from conch.data.recognise import LOOKED_AT, Recognised, recognise
from conch.data.registry import add
from conch.data.rows import Item, Row

_USUAL = {"prompt": "instruction", "query": "input", "response": "output"}
"""The column names by which parts are told; other parts are named as they are."""


def describe(
    dataset: Dataset,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    told: Hear = unheard,
) -> dict[str, Any]:
    """The description of `dataset`. Raises DataError where its rows don't tell what they are.

    `columns` says which column holds a part; an empty one, that no column does.
    """
    head = list(islice(items_of(files_of(dataset, told)), LOOKED_AT))
    given = {part: column for part, column in (columns or {}).items() if column}
    absent = {part: None for part, column in (columns or {}).items() if not column}
    keys = {key for item in head if isinstance(item, Row) for key in item.values}
    for column in given.values():
        if keys and column not in keys:
            seen = ", ".join(sorted(map(str, keys)))
            raise DataError("data.no_such_column", file=dataset.place, column=column, columns=seen)
    names = {**_USUAL, "prompt": "text"} if format == "text" else _USUAL
    usual = {part: names.get(part, part) for part in given}
    found = recognise(list(_renamed(head, given, usual)), dataset.place, format)
    words = _words(found, given, usual, keys)
    return {**_place(dataset), **words, "columns": {**words["columns"], **absent}}


def _renamed(head: list[Item], given: Mapping[str, str], usual: Mapping[str, str]) -> Iterator[Item]:
    """The rows with the columns that were named under their usual names."""
    for item in head:
        if not given or not isinstance(item, Row):
            yield item
            continue
        named = {usual[part]: item.values[column] for part, column in given.items() if column in item.values}
        others = {key: value for key, value in item.values.items() if key not in given.values()}
        yield Row(item.file, item.number, {**others, **named})


def _place(dataset: Dataset) -> dict[str, Any]:
    if not dataset.hubs:
        return {"file_name": str(dataset.file)}
    part = dataset.hubs[0]
    keys = {hub: key for key, hub in URL_KEYS.items()}
    repos = {keys[place.hub]: place.repo for place in dataset.hubs}
    named = {**repos, "subset": part.subset, "split": part.split, "folder": part.folder}
    return {key: value for key, value in named.items() if value is not None}


def _words(
    found: Recognised, given: Mapping[str, str], usual: Mapping[str, str], keys: set[str]
) -> dict[str, Any]:
    """Format, columns and tags of a description. Columns that no row has are not named."""
    base, layout = _base(found.layout), found.layout
    back = {usual[part]: column for part, column in given.items()}
    columns: dict[str, str | None] = {
        part: back.get(column, column)
        for part, column in layout.columns.named().items()
        if back.get(column, column) in keys
    }
    if found.format.name == "text":
        columns["response"] = None  # nothing answers a text
    tags = {
        tag.name: word
        for tag in fields(layout.tags)
        if (word := getattr(layout.tags, tag.name)) != getattr(base.tags, tag.name)
    }
    ranking = {"ranking": True} if found.format.name == "pairwise" else {}
    formatting = {ALPACA: "alpaca", SHAREGPT: "sharegpt", OPENAI: "openai"}[base]
    return {"formatting": formatting, **ranking, "columns": columns, **({"tags": tags} if tags else {})}


def _base(layout: Layout) -> Layout:
    """The formatting whose words a layout is told in."""
    if layout.columns.messages is None:
        return ALPACA
    return OPENAI if layout.tags.role_tag == OPENAI.tags.role_tag else SHAREGPT


def register(name: str, description: Mapping[str, Any]) -> None:
    """Keep `description` under `name`. Raises DataError where that can't be a name, or is taken."""
    plain = all(letter.isalnum() or letter in "._-" for letter in name)
    if not name or not plain or is_readable(name):
        raise DataError("data.bad_name", name=name)
    add(name, description)
