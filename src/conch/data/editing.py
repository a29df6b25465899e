"""Rows of a dataset changed one at a time: edited, added, taken out.

Only files that Conch keeps are changed, under a lock, each written whole under another name first. Of
all others there is `own_copy`. A row that could not be trained on is not written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from conch.core.errors import DataError, RowError
from conch.core.files import publish, temporary_folder
from conch.core.text import tr
from conch.data import readers, registry
from conch.data.describe import register
from conch.data.files import DataFile
from conch.data.keeping import changing, free_file, free_name, kept_folder
from conch.data.layout import Layout
from conch.data.reading import Opened, open_dataset
from conch.data.recognise import LOOKED_AT
from conch.data.rows import Fault, Item, Row
from conch.data.rules import WARNINGS, Look, errors_in
from conch.data.sources import find_dataset
from conch.data.splicing import KINDS, TABLES, Change, as_json, is_array, number_of, splice


class RefusedRowError(DataError):
    """A row that could not be trained on, with everything for which it can't."""

    def __init__(self, problems: Sequence[RowError]) -> None:
        super().__init__("edit.refused")
        self.problems = tuple(problems)

    @property
    def message(self) -> str:
        lines = [tr("check.with_remedy", message=each.reason, remedy=each.hint) for each in self.problems]
        return "\n".join([tr(self.key), *lines])


@dataclass(frozen=True)
class Held:
    """A row as it stands in its file. `stamp` tells whether it is still the same."""

    number: int | None
    values: Mapping[str, Any]
    stamp: str = ""
    raw: str | None = None
    """The line itself, where it can't be read as a row."""


def editable(opened: Opened) -> DataFile | None:
    """The file whose rows can be changed; None where it isn't Conch's own, or of no kind for that."""
    file = _single(opened)
    own = registry.own_folder().resolve()
    return file if file is not None and file.path.resolve().is_relative_to(own) else None


def _single(opened: Opened) -> DataFile | None:
    """The one plain file of a dataset, where its rows can be changed one by one."""
    plain = len(opened.files) == 1 and not opened.files[0].packed and opened.files[0].suffix in KINDS
    return opened.files[0] if plain else None


def held(opened: Opened, number: int) -> Held:
    """Row `number` as it stands now. Raises DataError where there is none, or nothing that can be edited."""
    item = _item(_required(opened), number)
    if isinstance(item, Row):
        return Held(number, item.values, stamp_of(item))
    file = opened.files[0]
    if item.end or file.suffix in TABLES or is_array(file):
        raise item.error
    return Held(number, {}, stamp_of(item), item.raw)


def blank(opened: Opened) -> Held:
    """A new row, with the columns of the first ones and nothing in them."""
    head = [item.values for item in islice(opened.items(), LOOKED_AT) if isinstance(item, Row)]
    columns: dict[str, Any] = {}
    for values in head:
        columns |= {name: value for name, value in values.items() if name not in columns}
    return Held(None, {name: _empty(name, value, opened.layout) for name, value in columns.items()})


def _empty(column: str, value: Any, layout: Layout) -> Any:
    tags = layout.tags
    match value:
        case list() if column == layout.columns.messages:
            roles = (tags.user_tag, tags.assistant_tag)
            return [{tags.role_tag: role, tags.content_tag: ""} for role in roles]
        case bool():
            return value
        case list() | dict():
            return type(value)()
    return "" if isinstance(value, str) else None


def edited(row: Held, given: Mapping[str, str]) -> dict[str, Any]:
    """The values of `row` with what was written for its columns: text as it is, all else as JSON.

    Raises DataError for what is no JSON.
    """
    if row.raw is not None:
        return _object(given.get("", ""))
    values = dict(row.values)
    for column, text in given.items():
        old = values.get(column)
        if isinstance(old, str) or (old is None and text):
            values[column] = text
        elif old is not None:
            values[column] = _parsed(column, text)
    return values


def _object(text: str) -> dict[str, Any]:
    value = _parsed("", text)
    if not isinstance(value, dict):
        raise DataError("edit.no_object")
    return value


def _parsed(column: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "") or str(error)
        place = getattr(error, "colno", 1)
        key = "edit.bad_json" if column else "edit.bad_line"
        raise DataError(key, column=column, place=place, reason=reason) from error


def save(opened: Opened, row: Held, values: Mapping[str, Any]) -> list[RowError]:
    """Write `values` in place of `row`, or behind the last; returns what is odd about them.

    Raises RefusedRowError where they could not be trained on, DataError where the row is another by now.
    """
    placed = Row(opened.files[0].shown, row.number or _count(opened) + 1, values)
    try:
        sample = opened.sample(placed)
    except RowError as error:
        raise RefusedRowError([error]) from error
    problems = list(errors_in(sample))
    if problems:
        raise RefusedRowError(problems)
    _write(opened, row, values)
    look = Look(sample)
    return [warning for rule in WARNINGS for warning in rule(look)]


def remove(opened: Opened, row: Held) -> None:
    """Take a row out. Raises DataError where it is the only one, or another by now."""
    if _count(opened) < 2:
        raise DataError("edit.last_row")
    _write(opened, row, None)


def _count(opened: Opened) -> int:
    return sum(1 for _ in opened.items())


def _write(opened: Opened, row: Held, values: Mapping[str, Any] | None) -> None:
    file = _required(opened)
    with changing():
        if row.number is not None and stamp_of(_item(file, row.number)) != row.stamp:
            raise DataError("edit.changed", row=row.number)
        with temporary_folder(file.path.parent) as aside:
            made = aside / file.path.name
            splice(file, Change(row.number, values), made)
            publish(made, file.path)


def _required(opened: Opened) -> DataFile:
    file = editable(opened)
    if file is None:
        raise DataError("edit.not_ours", name=opened.dataset.name, place=opened.dataset.place)
    return file


def _item(file: DataFile, number: int) -> Item:
    found = next((item for item in readers.read(file) if number_of(item) == number), None)
    if found is None:
        raise DataError("edit.changed", row=number)
    return found


def stamp_of(item: Item) -> str:
    """Another one once the row is another."""
    content = item.raw if isinstance(item, Fault) else json.dumps(item.values, default=str)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# a copy to be edited


@dataclass(frozen=True)
class Copied:
    """A dataset of Conch's own with the rows of another; `left_out` of them could not be read."""

    name: str
    file: Path
    left_out: int


def own_copy(name: str) -> Copied:
    """Register a copy of the dataset `name` whose rows can be edited. Raises DataError.

    JSON, JSON lines, CSV and TSV are copied as they are; rows of other kinds become JSON lines.
    """
    opened = open_dataset(find_dataset(name))
    single = _single(opened)
    new = free_name(Path(f"{name}-edited.jsonl"))
    with temporary_folder(kept_folder()) as aside:
        made = aside / "rows"
        left_out = 0
        if single is None:
            left_out = _copy_lines(opened, made)
        else:
            shutil.copyfile(single.path, made)
        file = free_file(new + (".jsonl" if single is None else single.suffix))
        publish(made, file)
    register(new, {"file_name": f"{file.parent.name}/{file.name}", **registry.reading(name)})
    return Copied(new, file, left_out)


def _copy_lines(opened: Opened, target: Path) -> int:
    """Returns how many rows could not be read."""
    left_out = 0
    with target.open("w", encoding="utf-8") as out:
        for item in opened.items():
            if isinstance(item, Fault):
                left_out += 1
            else:
                out.write(as_json(dict(item.values)) + "\n")
    return left_out
