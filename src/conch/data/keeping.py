"""Dataset files that came from elsewhere (a browser), kept below the user's own registry."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from conch.core.conversation import Conversation
from conch.core.errors import DataError
from conch.core.files import append_line, expanded, publish, temporary_folder
from conch.data import registry
from conch.data.archives import ENDINGS, bare, is_readable
from conch.data.describe import register

MOST_NAMES = 1000
LOCK = ".edit.lock"
_PATIENCE = 60
"""Seconds that are waited for another change to be done."""


def kept_folder() -> Path:
    return registry.own_folder() / "files"


@contextmanager
def changing() -> Iterator[None]:
    """One change of kept rows at a time: an edit writes its file anew, without what is added meanwhile.

    Raises DataError where another change goes on for too long.
    """
    from filelock import FileLock, Timeout

    folder = registry.own_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(FileLock(folder / LOCK, timeout=_PATIENCE))
        except Timeout as error:
            raise DataError("edit.busy") from error
        yield


def keep(source: Path, name: str) -> Path:
    """Copy `source` to where datasets are kept, whole, under `name` or the next free one; returns where.

    Only the last part of `name` counts. Raises DataError where it is no kind of file that rows are read from.
    """
    plain = Path(name.replace("\\", "/")).name.lstrip(".")
    if not plain or not is_readable(plain):
        raise DataError("data.unknown_format", file=plain or name, formats=", ".join(ENDINGS))
    folder = kept_folder()
    with temporary_folder(folder) as aside:
        copied = aside / plain
        shutil.copyfile(source, copied)
        target = free_file(plain)
        publish(copied, target)
    return target


def free_file(name: str) -> Path:
    """Where a file called `name` is kept, or the next free name like it."""
    folder, stem, ending = kept_folder(), bare(name), name[len(bare(name)) :]
    numbered = (f"{stem}-{number}{ending}" for number in range(2, MOST_NAMES))
    return next(folder / each for each in (name, *numbered) if not (folder / each).exists())


def free_name(file: Path) -> str:
    """What a dataset of `file` may be called: its own name, as far as that can be one and isn't taken."""
    letters = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in bare(file.name))
    stem = letters.strip("._-") or "dataset"
    taken = registry.names(None)
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, MOST_NAMES))) if name not in taken)


def is_kept(name: str) -> bool:
    """Whether a registered dataset has a file here that no other one uses."""
    registered = registry.descriptions(registry.own_folder())
    file = _file_of(registered.get(name))
    others = [_file_of(entry) for other, entry in registered.items() if other != name]
    return file is not None and _is_own(file) and file not in others


def _file_of(entry: Any) -> Path | None:
    given = entry.get("file_name") if isinstance(entry, dict) else None
    return (registry.own_folder() / expanded(given)).resolve() if isinstance(given, str) else None


def _is_own(file: Path) -> bool:
    return file.is_file() and file.is_relative_to(registry.own_folder().resolve())


def remove(name: str) -> None:
    """Forget a registered dataset, and remove its file if it is kept here for this dataset alone."""
    file = _file_of(registry.descriptions(registry.own_folder()).get(name)) if is_kept(name) else None
    registry.remove(name)
    if file is not None:
        file.unlink(missing_ok=True)


def keep_row(name: str, conversation: Conversation) -> int:
    """Add a conversation to the dataset `name`, which is begun where there is none; returns its rows.

    Raises DataError where `name` is a dataset that came from elsewhere: its file is not ours to change.
    """
    file = kept_folder() / f"{name}.jsonl"
    described = {
        "file_name": f"{file.parent.name}/{file.name}",
        "formatting": "openai",
        "columns": {"messages": "messages"},
    }
    known = registry.descriptions(registry.own_folder()).get(name)
    if known is None:
        register(name, described)
    elif known != described:
        raise DataError("data.not_kept_here", name=name)
    file.parent.mkdir(parents=True, exist_ok=True)
    messages = [{"role": message.role, "content": message.content} for message in conversation.messages]
    line = json.dumps({"messages": messages}, ensure_ascii=False) + "\n"
    with changing():
        append_line(file, line.encode())
        with file.open("rb") as lines:
            return sum(1 for _ in lines)
