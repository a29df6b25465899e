"""The table of contents of transformers, kept.

On import transformers reads the sources of all its models, twice, to know what is in which file: a sixth
of a second each time. Here the table is kept in Conch's cache as long as those folders stay as they are.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from conch.core import env
from conch.core.files import write_whole

READER, FUNCTION, MODELS = "transformers.utils.import_utils", "define_import_structure", "models"

Contents = dict[frozenset[str], dict[str, set[str]]]
"""By what has to be installed: names of modules, and of what is in each."""


@contextmanager
def kept_contents() -> Iterator[None]:
    """Let transformers, imported within for the first time, take its table of contents from our cache."""
    finder = Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class Finder(MetaPathFinder):
    """Finds the module that reads the sources, and has the reading replaced once it is imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != READER:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            vars(spec.loader)["exec_module"] = _then(spec.loader.exec_module)
        return spec


def _then(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def execute_and_replace(module: ModuleType) -> None:
        execute(module)
        plain = getattr(module, FUNCTION, None)
        if plain is not None:
            setattr(module, FUNCTION, remembering(plain))

    return execute_and_replace


def remembering(read: Callable[..., Contents]) -> Callable[..., Contents]:
    """`read`, which is asked for a folder or a file in it, for all models out of the cache."""

    def contents(module_path: str | Path, prefix: str | None = None) -> Contents:
        folder = Path(module_path)
        folder = folder if folder.is_dir() else folder.parent
        if folder.name != MODELS:
            return read(module_path, prefix)
        file = env.home() / "cache" / "contents" / f"{_digest(folder)}.json"
        found = _load(file)
        if found is None:
            found = read(folder)
            _keep(file, found)
        begin = f"{prefix}." if prefix else ""
        return {
            needs: {begin + name: set(has) for name, has in part.items()} for needs, part in found.items()
        }

    return contents


def _digest(folder: Path) -> str:
    """Of the folder and of when each in it was last changed: installers write all files anew."""
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries)
    return hashlib.sha256(repr((str(folder), found)).encode()).hexdigest()[:32]


def _load(file: Path) -> Contents | None:
    try:
        found = json.loads(file.read_bytes())
        return {frozenset(needs): {name: set(has) for name, has in part.items()} for needs, part in found}
    except (OSError, ValueError, TypeError, AttributeError):  # none yet, or none of ours
        return None


def _keep(file: Path, contents: Contents) -> None:
    told = [
        (sorted(needs), {name: sorted(has) for name, has in part.items()}) for needs, part in contents.items()
    ]
    try:
        write_whole(file, json.dumps(told))
    except OSError:  # a home that can't be written, or a full disk: it is read again next time
        return
