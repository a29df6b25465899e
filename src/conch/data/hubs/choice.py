"""Which of a repository's files hold the subset and the split that are asked for.

No script of a dataset is ever run. Which files belong to a subset and a split is what the
repository's README says (`configs`), else what the files' names say.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conch.core.errors import DataError
from conch.data.archives import is_data
from conch.data.dataset import HubPlace

_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test", "testing"),
}


def choose(names: Sequence[str], card: str, place: HubPlace) -> list[str]:
    """Of a repository's files `names` those that are meant, by its README (`card`). Raises DataError."""
    data = sorted(name for name in names if is_data(name) and Path(name).suffix != ".txt")
    data = data or sorted(name for name in names if is_data(name))
    if place.folder:
        data = [name for name in data if name.startswith(place.folder.strip("/") + "/")]
    if not data:
        raise DataError("data.hub_no_files", repo=place.repo)
    configs = _configs(card)
    if configs and not place.folder:
        splits = _splits(_config(configs, place), data)
    else:
        splits = _by_name(_of_subset(data, place))
    return _of_split(splits, place)


def _of_subset(data: list[str], place: HubPlace) -> list[str]:
    """Without `configs`, a subset is a folder."""
    if not place.subset or place.subset == "default":
        return data
    found = [name for name in data if place.subset in name.split("/")[:-1]]
    if not found:
        folders = sorted({name.rpartition("/")[0] for name in data} - {""})
        raise DataError("data.hub_no_subset", repo=place.repo, subset=place.subset, known=_listed(folders))
    return found


def _configs(card: str) -> list[Mapping[str, Any]]:
    """The subsets that a README's YAML header describes."""
    import yaml

    header = re.match(r"---\s*\n(.*?)\n---", card, re.DOTALL)
    try:
        content = yaml.safe_load(header[1]) if header else None
    except yaml.YAMLError:
        return []
    configs = content.get("configs") if isinstance(content, dict) else None
    listed = configs if isinstance(configs, list) else []
    return [config for config in listed if isinstance(config, dict) and "data_files" in config]


def _config(configs: list[Mapping[str, Any]], place: HubPlace) -> Mapping[str, Any]:
    by_name = {str(config.get("config_name", "default")): config for config in configs}
    preferred = [name for name, config in by_name.items() if config.get("default")]
    wanted = place.subset or next(iter(preferred), "default" if "default" in by_name else "")
    if wanted in by_name:
        return by_name[wanted]
    if not place.subset and len(by_name) == 1:
        return configs[0]
    if not place.subset:
        raise DataError("data.hub_which_subset", repo=place.repo, known=_listed(list(by_name)))
    raise DataError("data.hub_no_subset", repo=place.repo, subset=wanted, known=_listed(list(by_name)))


def _splits(config: Mapping[str, Any], data: list[str]) -> dict[str, list[str]]:
    """Split to files, by the patterns of a README."""
    listed = config["data_files"]
    listed = listed if isinstance(listed, list) else [listed]
    splits: dict[str, list[str]] = {}
    for entry in listed:
        described = isinstance(entry, dict)
        patterns = entry.get("path", []) if described else entry
        split = str(entry.get("split", "train")) if described else "train"
        for pattern in patterns if isinstance(patterns, list) else [patterns]:
            splits.setdefault(split, []).extend(fnmatch.filter(data, str(pattern)))
    return {split: list(dict.fromkeys(names)) for split, names in splits.items() if names}


def _by_name(data: list[str]) -> dict[str, list[str]]:
    """Split to files, by the words in their names; all are `train` where no name says anything."""
    splits: dict[str, list[str]] = {}
    for name in data:
        words = re.split(r"[^a-z0-9]+", name.lower())
        found = next((split for split, known in _SPLITS.items() if set(known) & set(words)), None)
        splits.setdefault(found or "", []).append(name)
    return splits if set(splits) != {""} else {"train": splits[""]}


def _of_split(splits: dict[str, list[str]], place: HubPlace) -> list[str]:
    wanted = place.split or "train"
    if wanted in splits:
        return splits[wanted]
    word = re.compile(rf"(^|[^a-z0-9]){re.escape(wanted.lower())}([^a-z0-9]|$)")
    named = [name for names in splits.values() for name in names if word.search(name.lower())]
    if place.split and named:
        return named
    if not place.split and len(splits) == 1:
        return next(iter(splits.values()))
    raise DataError("data.hub_no_split", repo=place.repo, split=wanted, known=_listed(sorted(splits)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name for name in names if name) or "-"
