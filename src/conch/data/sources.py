"""Where rows come from: files by path, datasets by name in a `dataset_info.json`.

Reads rows as they stand; what their columns mean is `conch.data.mapping`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import DataError

BUNDLED = Path(__file__).parent / "bundled"
READABLE = (".json", ".jsonl")


@dataclass(frozen=True)
class Columns:
    """Which column holds what, in the alpaca format. Columns not named keep these defaults."""

    prompt: str = "instruction"
    query: str | None = "input"
    response: str | None = "output"
    system: str | None = None
    history: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A dataset that was found: its file, and how to read its rows."""

    name: str
    file: Path
    columns: Columns = field(default_factory=Columns)
    num_samples: int | None = None


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file. `number` counts from 1; for jsonl it is the line."""

    file: Path
    number: int
    values: Mapping[str, Any]


def find_dataset(name: str, dataset_dir: str | None = None) -> Dataset:
    """The dataset of a path or a registered name.

    Names are looked up in `dataset_dir`'s `dataset_info.json` if given, then in the user's own
    (`CONCH_HOME/data`), then in the one that Conch carries. Raises DataError where there is none.
    """
    path = Path(name).expanduser()
    if path.suffix in READABLE or "/" in name:
        return _file_dataset(path, dataset_dir)
    for folder in _registries(dataset_dir):
        entry = _registry(folder).get(name)
        if entry is not None:
            return _described(name, entry, folder)
    if path.suffix:
        return _file_dataset(path, dataset_dir)
    known = ", ".join(registered_names(dataset_dir))
    raise DataError("data.unknown_name", name=name, known=known)


def registered_names(dataset_dir: str | None = None) -> list[str]:
    """Every name that `find_dataset` knows."""
    return sorted({name for folder in _registries(dataset_dir) for name in _registry(folder)})


def _file_dataset(path: Path, dataset_dir: str | None) -> Dataset:
    folders = [] if path.is_absolute() or dataset_dir is None else [Path(dataset_dir).expanduser()]
    candidates = [path, *(folder / path for folder in folders)]
    found = next((candidate for candidate in candidates if _exists(candidate)), None)
    if found is None:
        raise DataError("data.no_file", file=path)
    if found.is_dir():
        raise DataError("data.is_folder", file=found)
    if found.suffix not in READABLE:
        raise DataError("data.unknown_format", file=found, formats=", ".join(READABLE))
    return Dataset(path.stem, found.absolute())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no disk takes, such as one of 300 letters
        return False


def _registries(dataset_dir: str | None) -> list[Path]:
    given = [Path(dataset_dir).expanduser()] if dataset_dir else []
    if given and not given[0].is_dir():
        raise DataError("data.no_dataset_dir", folder=given[0])
    return [*given, env.home() / "data", BUNDLED]


def _registry(folder: Path) -> dict[str, Any]:
    """The descriptions of a folder's `dataset_info.json`; empty where there is none."""
    file = folder / "dataset_info.json"
    if not file.is_file():
        return {}
    content = _parse_json(_read_text(file), file)
    if not isinstance(content, dict):
        raise DataError("data.registry_not_object", file=file)
    return content


_ALPACA_COLUMNS = frozenset({"prompt", "query", "response", "system", "history"})
_KNOWN = frozenset(
    {"file_name", "columns", "formatting", "num_samples", "split", "subset", "ranking", "tags", "folder"}
)


def _described(name: str, entry: Any, folder: Path) -> Dataset:
    file = folder / "dataset_info.json"
    if not isinstance(entry, dict):
        raise DataError("data.entry_not_object", name=name, file=file)
    formatting = entry.get("formatting") or "alpaca"
    if formatting != "alpaca" or entry.get("ranking"):
        asked = "ranking" if entry.get("ranking") else formatting
        raise DataError("data.formatting_later", name=name, file=file, formatting=asked)
    unread = sorted(set(entry) - _KNOWN) or _of_wrong_type(entry)
    if unread:
        raise DataError("data.entry_unread", name=name, file=file, keys=", ".join(unread))
    columns = {key: value for key, value in (entry.get("columns") or {}).items() if value is not None}
    unknown = sorted(set(columns) - _ALPACA_COLUMNS)
    if unknown:
        raise DataError("data.columns_unread", name=name, file=file, keys=", ".join(unknown))
    found = _file_dataset(folder / entry["file_name"], None)
    return Dataset(name, found.file, Columns(**columns), entry.get("num_samples"))


def _of_wrong_type(entry: Mapping[str, Any]) -> list[str]:
    """The keys of a description whose values can't be what they should be."""
    columns, count = entry.get("columns") or {}, entry.get("num_samples")
    fine = {
        "file_name": isinstance(entry.get("file_name"), str) and entry["file_name"] != "",
        "columns": isinstance(columns, dict)
        and all(isinstance(c, (str, type(None))) for c in columns.values()),
        "num_samples": count is None or (type(count) is int and count > 0),
    }
    return [key for key, is_fine in fine.items() if not is_fine]


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a JSON array or of JSON lines. Raises DataError with file and row."""
    text = _read_text(file)
    if not text.strip():
        raise DataError("data.empty", file=file)
    lines = file.suffix == ".jsonl" and not text.lstrip().startswith("[")  # else an array under that name
    yield from _json_lines(text, file) if lines else _json_array(text, file)


def _json_array(text: str, file: Path) -> Iterator[Row]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        first, _, rest = text.lstrip().partition("\n")
        if first.startswith("{") and rest and _is_json(first):
            yield from _json_lines(text, file)  # JSON lines under the name .json
            return
        raise _not_json(error, file) from error
    if not isinstance(content, list):
        raise DataError("data.not_array", file=file, found=json_type(content))
    if not content:
        raise DataError("data.empty", file=file)
    for number, values in enumerate(content, 1):
        yield _row(file, number, values)


def _json_lines(text: str, file: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):  # not splitlines: it also splits inside of strings
        if line.strip():
            yield _row(file, number, _parse_json(line, file, number))


def _row(file: Path, number: int, values: Any) -> Row:
    if not isinstance(values, dict):
        raise DataError("data.row_not_object", file=file, row=number, found=json_type(values))
    return Row(file, number, values)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _parse_json(text: str, file: Path, line: int | None = None) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(error, file, line) from error


def _not_json(error: Exception, file: Path, line: int | None = None) -> DataError:
    """What json said, with the place. Too deep nesting and too long numbers come without one."""
    at_line = line or getattr(error, "lineno", 1)
    column = getattr(error, "colno", 1)
    reason = getattr(error, "msg", None) or next(iter(str(error).splitlines()), "")
    return DataError("data.not_json", file=file, line=at_line, column=column, reason=reason)


def json_type(value: Any) -> str:
    """JSON's own word for the type of a parsed value."""
    words = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    return words.get(type(value), "null")


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError("data.unreadable", file=file, reason=error.strerror or error) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError("data.not_utf8", file=file, line=line, guess=_guess_encoding(data)) from error


def _guess_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "latin-1"
    return "GBK"
