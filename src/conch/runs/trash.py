"""Runs that were removed wait in `CONCH_HOME/trash/runs` until the trash is emptied.

What a run wrote elsewhere (`output_dir`) is never touched.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

from conch.core import env
from conch.core.errors import RunError
from conch.core.files import write_whole

ORIGIN = "removed.json"
"""In a removed run: where it was."""


class Emptied(NamedTuple):
    runs: int
    bytes: int


def trash_folder() -> Path:
    return env.home() / "trash" / "runs"


def throw_away(folder: Path) -> Path:
    """Move a run's folder to the trash; returns where it is now."""
    target = trash_folder() / folder.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # a run of that name was removed before, elsewhere
        shutil.rmtree(target)
    write_whole(folder / ORIGIN, json.dumps({"folder": str(folder)}))
    shutil.move(folder, target)
    return target


def trashed() -> list[Path]:
    """The removed runs, newest first."""
    found = [path for path in trash_folder().glob("*") if (path / "config.yaml").is_file()]
    return sorted(found, key=lambda path: path.name, reverse=True)


def restore(name: str) -> Path:
    """Put the removed run with this id, or unique start of an id, back where it was; returns that folder.

    Raises RunError where there is none, more than one, or its place is taken.
    """
    found = [path for path in trashed() if path.name == name]
    found = found or [path for path in trashed() if name and path.name.startswith(name)]
    if not found:
        raise RunError("history.not_in_trash", name=name)
    if len(found) > 1:
        raise RunError("history.ambiguous", name=name, ids=", ".join(path.name for path in found[:5]))
    target = _origin(found[0])
    if target.exists():
        raise RunError("history.place_taken", name=found[0].name, folder=target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(found[0], target)
    (target / ORIGIN).unlink(missing_ok=True)
    return target


def _origin(folder: Path) -> Path:
    try:
        return Path(json.loads((folder / ORIGIN).read_text(encoding="utf-8"))["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return env.home() / "runs" / folder.name


def empty() -> Emptied:
    """Delete every removed run for good."""
    folders = trashed()
    size = sum(
        file.stat().st_size
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink()
    )
    for folder in folders:
        shutil.rmtree(folder)
    return Emptied(len(folders), size)
