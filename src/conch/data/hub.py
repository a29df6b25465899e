"""Datasets of the Hugging Face hub: their data files, through the hub's own client and cache.

No script of a dataset is ever run. Which files belong to a subset and a split is what the
repository's README says (`configs`), else what the files' names say.
"""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from conch.core import env
from conch.core.errors import DataError
from conch.data.archives import is_data
from conch.data.dataset import HubPlace

_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "eval"),
    "test": ("test", "testing"),
}
T = TypeVar("T")


def looks_like_id(reference: str) -> bool:
    """Whether this could be `organisation/name` on the hub."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", reference) is not None


def fetch(place: HubPlace, token: str | None = None) -> list[Path]:
    """The data files of `place`, from the cache or else from the hub. Raises DataError."""
    env.quiet_libraries()
    return _translated(place, lambda: _fetch(place, token))


def _fetch(place: HubPlace, token: str | None) -> list[Path]:
    names = _listing_at_hand(place) if env.offline() else _listing(place, token)
    card = _card(place, token) if "README.md" in names else ""
    chosen = choose(names, card, place)
    folder = _snapshot(place, chosen, token)
    return [folder / name for name in chosen]


def choose(names: Sequence[str], card: str, place: HubPlace) -> list[str]:
    """Which of a repository's files hold the subset and split that are asked for."""
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


# the hub's client


def _listing(place: HubPlace, token: str | None) -> list[str]:
    from huggingface_hub import HfApi

    info = HfApi(token=token).dataset_info(place.repo, revision=place.revision)
    return [file.rfilename for file in info.siblings or []]


def _listing_at_hand(place: HubPlace) -> list[str]:
    """The files of the repository as they were listed when it was fetched, else those that are here."""
    import huggingface_hub
    from huggingface_hub import errors

    listing: Any = getattr(huggingface_hub, "get_cached_repo_tree", None)  # newer clients keep it
    missing: Any = getattr(errors, "CachedRepoTreeNotFoundError", ())
    try:
        if listing is not None:
            return [file.path for file in listing(place.repo, repo_type="dataset", revision=place.revision)]
    except missing:
        pass  # fetched by an older client
    folder = _snapshot(place, ["README.md"], None)
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _card(place: HubPlace, token: str | None) -> str:
    file = _snapshot(place, ["README.md"], token) / "README.md"
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _snapshot(place: HubPlace, files: Sequence[str], token: str | None) -> Path:
    """The folder with `files`, from the cache alone where the user forbade the network."""
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            place.repo,
            repo_type="dataset",
            revision=place.revision,
            token=token,
            allow_patterns=[glob.escape(name) for name in files],
            local_files_only=env.offline(),
        )
    )


def _translated(place: HubPlace, ask: Callable[[], T]) -> T:
    """What `ask` gives; the client's errors as ours."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo = place.repo
    try:
        return ask()
    except DataError:
        raise
    except LocalEntryNotFoundError as error:
        if env.offline():
            raise DataError("data.hub_offline", repo=repo) from error
        raise DataError("data.hub_unreachable", repo=repo, reason=_first_line(error)) from error
    except GatedRepoError as error:
        raise DataError("data.hub_gated", repo=repo) from error
    except RevisionNotFoundError as error:
        raise DataError("data.hub_no_revision", repo=repo, revision=place.revision) from error
    except RepositoryNotFoundError as error:
        raise DataError("data.hub_no_repo", repo=repo) from error
    except HfHubHTTPError as error:
        raise DataError("data.hub_error", repo=repo, reason=_first_line(error)) from error
    except Exception as error:  # the client lets its HTTP library's own errors through
        raise DataError("data.hub_unreachable", repo=repo, reason=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
