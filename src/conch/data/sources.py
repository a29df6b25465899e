"""What a user calls a dataset → the dataset: a file or folder by its path, a registered name, or a hub id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conch.config.data import DataConfig
from conch.core.errors import DataError
from conch.core.files import exists, expanded
from conch.core.hubs import looks_like_id
from conch.data import registry
from conch.data.archives import bare, is_readable
from conch.data.dataset import Dataset, anywhere
from conch.data.registry import BUNDLED

__all__ = ["BUNDLED", "asked_dataset", "by_place", "find_dataset", "from_anywhere", "registered_names"]


def asked_dataset(name: str, config: DataConfig) -> Dataset:
    """The dataset called `name` in a config, from where the config says. Raises DataError."""
    found = find_dataset(name, config.dataset_dir)
    return replace(found, source=config.dataset_source, tokens=config.tokens)


def find_dataset(name: str, dataset_dir: str | None = None) -> Dataset:
    """The dataset of a path, a registered name or a hub id.

    A path is taken relative to the current folder, then to `dataset_dir`. Names are looked up in
    `dataset_dir`'s `dataset_info.json` (else that of `./data`, if there is one), then in the user's
    own (`CONCH_HOME/data`), then in the one that Conch carries. Raises DataError where there is none.
    """
    path = expanded(name)
    if is_readable(name) or "/" in name:
        found = _at(path, dataset_dir)
        if found is None and looks_like_id(name) and not is_readable(name):
            return Dataset(name, hubs=anywhere(name))
        return _of_file(found, path)
    registered = registry.find(name, dataset_dir)
    if registered is not None:
        return registered
    found = _at(path, dataset_dir)
    if found is not None or path.suffix:
        return _of_file(found, path)
    known = ", ".join(registered_names(dataset_dir))
    raise DataError("data.unknown_name", name=name, known=known)


def by_place(place: str, subset: str | None = None, split: str | None = None) -> Dataset:
    """The dataset of a path or a hub id, of which a subset and a split may be asked for."""
    path = expanded(place)
    found = _at(path, None)
    if found is None and looks_like_id(place) and not is_readable(place):
        return Dataset(place, hubs=anywhere(place, subset, split))
    return _of_file(found, path)


def from_anywhere(name: str, dataset_dir: str | None = None) -> str:
    """`name` as it means the same from any folder: a path made absolute, anything else as it is."""
    path = expanded(name)
    if not exists(path):
        return name
    try:
        by_path = is_readable(name) or "/" in name or name not in registry.names(dataset_dir)
    except DataError:  # told when the dataset is looked for
        return name
    return str(path.absolute()) if by_path else name


def registered_names(dataset_dir: str | None = None) -> list[str]:
    """Every name that `find_dataset` knows."""
    return list(registry.names(dataset_dir))


def _of_file(found: Path | None, asked: Path) -> Dataset:
    if found is None:
        raise DataError("data.no_file", file=asked)
    return Dataset(bare(found.absolute().name), found.absolute())


def _at(path: Path, dataset_dir: str | None) -> Path | None:
    folders = [] if path.is_absolute() or dataset_dir is None else [expanded(dataset_dir)]
    candidates = [path, *(folder / path for folder in folders)]
    return next((candidate for candidate in candidates if exists(candidate)), None)
