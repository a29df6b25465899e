"""Datasets that are known by name: `dataset_info.json` as LLaMA-Factory writes it, read and kept.

Reading names breaks on nothing but a broken file; a description is judged when it is used.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import DataError, RowError
from conch.core.files import expanded, is_dir, write_whole
from conch.data.dataset import URL_KEYS, Dataset, HubPlace
from conch.data.layout import MEDIA, PARTS, TAGS
from conch.data.lines import not_utf8

BUNDLED = Path(__file__).parent / "bundled"
FILE = "dataset_info.json"
_PATIENCE = 60
"""Seconds that are waited for another process to be done with the registry."""
FORMATTINGS = ("alpaca", "sharegpt", "openai")
OPENMIND = "om_hub_url"
"""A third hub, from which nothing is fetched."""
_PLACE = ("file_name", *URL_KEYS, OPENMIND, "subset", "split", "folder", "revision")
"""What of a description says where the rows lie."""
_KNOWN = (
    *_PLACE,
    *("script_url", "cloud_file_name"),
    *("formatting", "ranking", "columns", "tags", "num_samples"),
)


def usual_folder() -> Path | None:
    """`./data`, LLaMA-Factory's own default, where it holds a registry."""
    folder = Path("data").absolute()
    return folder if (folder / FILE).is_file() else None


def folders(dataset_dir: str | None) -> list[Path]:
    """Where names are looked up, in order: the folder given or `./data`, the user's own, Conch's."""
    given = expanded(dataset_dir).absolute() if dataset_dir else usual_folder()
    if dataset_dir and given and not is_dir(given):
        raise DataError("data.no_dataset_dir", folder=given)
    return [*([given] if given else []), own_folder(), BUNDLED]


def own_folder() -> Path:
    """The user's own registry, which `conch data add` writes."""
    return env.home() / "data"


def descriptions(folder: Path) -> dict[str, Any]:
    """Name to description, as they stand in a folder's registry; empty where there is none."""
    file = folder / FILE
    if not file.is_file():
        return {}
    try:
        data = file.read_bytes()
        content = json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise DataError("data.unreadable", file=file, reason=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise not_utf8(str(file), data.count(b"\n", 0, error.start) + 1, data) from error
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        reason = getattr(error, "msg", None) or str(error)
        raise RowError(
            "check.not_json", file=str(file), row=line, unit="line", column=column, reason=reason
        ) from error
    if not isinstance(content, dict):
        raise DataError("data.registry_not_object", file=file)
    return content


def find(name: str, dataset_dir: str | None) -> Dataset | None:
    """The dataset registered as `name`. Raises DataError where its description can't be used."""
    for folder in folders(dataset_dir):
        entry = descriptions(folder).get(name)
        if entry is not None:
            return described(name, entry, folder)
    return None


def names(dataset_dir: str | None) -> dict[str, Path]:
    """Every registered name, with the folder of the registry that it is taken from."""
    found: dict[str, Path] = {}
    for folder in folders(dataset_dir):
        for name in descriptions(folder):
            found.setdefault(name, folder)
    return dict(sorted(found.items()))


def reading(name: str) -> dict[str, Any]:
    """How the rows of a registered dataset are read: its description without where they lie."""
    known = descriptions(names(None)[name])[name]
    return {key: value for key, value in known.items() if key not in _PLACE}


def described(name: str, entry: Any, folder: Path) -> Dataset:
    """The dataset that a description describes. Paths in it are relative to `folder`."""
    file = folder / FILE
    if not isinstance(entry, dict):
        raise DataError("data.entry_not_object", name=name, file=file)
    entry = {key: value for key, value in entry.items() if value is not None}
    _refuse_unknown(name, entry, file)
    wrong = _of_wrong_type(entry)
    if wrong:
        raise DataError("data.entry_unread", name=name, file=file, keys=", ".join(wrong))
    columns = entry.get("columns", {})
    media = [part for part in MEDIA if columns.get(part)]
    if media:
        raise DataError("data.media_later", name=name, file=file, parts=", ".join(media))
    hubs = _hubs_of(name, entry, file)
    return Dataset(
        name,
        None if hubs else (folder / expanded(entry["file_name"])).absolute(),
        hubs,
        formatting=entry.get("formatting"),
        ranking=entry.get("ranking", False),
        columns=columns,
        tags=entry.get("tags", {}),
        num_samples=entry.get("num_samples"),
        part=None if hubs else _part_of(entry),
    )


def _refuse_unknown(name: str, entry: Mapping[str, Any], file: Path) -> None:
    """Nothing in a description is silently ignored."""
    if "script_url" in entry:
        raise DataError("data.script_url", name=name, file=file)
    if "cloud_file_name" in entry:
        raise DataError("data.cloud_file_name", name=name, file=file)
    for place, given, known in (
        ("", entry, _KNOWN),
        ("columns.", entry.get("columns"), PARTS),
        ("tags.", entry.get("tags"), TAGS),
    ):
        unknown = [key for key in given if key not in known] if isinstance(given, dict) else []
        if unknown:
            close = difflib.get_close_matches(unknown[0], known, n=1)
            better = close[0] if close else ", ".join(sorted(known))
            raise DataError("data.unknown_key", name=name, file=file, key=place + unknown[0], known=better)


def _of_wrong_type(entry: Mapping[str, Any]) -> list[str]:
    """The keys of a description whose values can't be what they should be."""
    texts = ("file_name", *URL_KEYS, OPENMIND, "subset", "split", "folder", "revision")
    wrong = [key for key in texts if key in entry and not (isinstance(entry[key], str) and entry[key])]
    for key in ("columns", "tags"):
        given = entry.get(key, {})
        if not isinstance(given, dict) or not all(isinstance(v, (str, type(None))) for v in given.values()):
            wrong.append(key)
    count = entry.get("num_samples")
    if count is not None and not (type(count) is int and count > 0):
        wrong.append("num_samples")
    if not isinstance(entry.get("ranking", False), bool):
        wrong.append("ranking")
    if entry.get("formatting", "alpaca") not in FORMATTINGS:
        wrong.append("formatting")
    if not any(key in entry for key in URL_KEYS) and entry.get("split", "train") != "train":
        wrong.append("split")  # a file on this machine is not divided
    return wrong or ([] if any(key in entry for key in ("file_name", *URL_KEYS, OPENMIND)) else ["file_name"])


def _hubs_of(name: str, entry: Mapping[str, Any], file: Path) -> tuple[HubPlace, ...]:
    """The dataset's repositories. A hub comes before a file, as in LLaMA-Factory."""
    wanted = {key: entry.get(key) for key in ("subset", "split", "folder", "revision")}
    found = [HubPlace(entry[key], **wanted, hub=hub) for key, hub in URL_KEYS.items() if key in entry]
    if not found and OPENMIND in entry and "file_name" not in entry:
        raise DataError("data.other_hub", name=name, file=file, key=OPENMIND, repo=entry[OPENMIND])
    return tuple(found)


def _part_of(entry: Mapping[str, Any]) -> str | None:
    """Which part of a local folder is meant: the sub-folder of `folder` or `subset`."""
    parts = [entry[key] for key in ("folder", "subset") if key in entry]
    return "/".join(parts) or None


# the user's own registry


def add(name: str, description: Mapping[str, Any]) -> None:
    """Register `description` as `name`. Raises DataError where the name is taken."""
    with _own() as registered:
        if name in registered or name in descriptions(BUNDLED):
            raise DataError("data.name_taken", name=name)
        registered[name] = dict(description)


def remove(name: str) -> None:
    """Forget `name`. Its file stays."""
    with _own() as registered:
        if name not in registered:
            known = ", ".join(sorted(registered)) or "-"
            raise DataError("data.not_registered", name=name, known=known)
        del registered[name]


@contextmanager
def _own() -> Iterator[dict[str, Any]]:
    """The user's own descriptions, to be changed by one process at a time and written back whole."""
    from filelock import FileLock

    folder = own_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{FILE}.lock", timeout=_PATIENCE):
            registered = descriptions(folder)
            yield registered
            text = json.dumps(registered, ensure_ascii=False, indent=2)
            write_whole(folder / FILE, f"{text}\n")
    except OSError as error:  # a lock that another process doesn't give back is one, too
        reason = error.strerror or str(error)
        raise DataError("data.registry_unwritable", file=folder / FILE, reason=reason.rstrip(".")) from error
