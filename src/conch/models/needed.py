"""Which files of a repository a model needs to load: no format twice, no pickles, no foreign runtimes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from conch.core.errors import ModelError
from conch.models.headers import MALFORMED, PICKLES
from conch.models.source import Listing, RemoteFile, SourceFailedError

BESIDE = ("*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken", "*.py")
"""Files beside the weights: config, tokenizer, template, and code that runs only if the user allows it."""
SUBFOLDERS = ("additional_chat_templates/*.jinja",)
TOKENIZERS = ("tokenizer.json", "*.model", "vocab.*", "*.tiktoken", "tekken.json")
"""The forms that a tokenizer's table comes in; one of them must be there."""
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_SHARD = re.compile(r"model-(\d{5})-of-(\d{5})\.safetensors")


def needed_names(names: Iterable[str], place: str) -> list[str]:
    """Of `names` those to keep. Raises ModelError, naming `place`, where they hold no usable weights."""
    names = list(names)
    top = [name for name in names if "/" not in name]
    weights = _weights(top)
    if not weights:
        _refuse(top, place)
    beside = [name for name in top if any(fnmatch(name, pattern) for pattern in BESIDE)]
    if SINGLE in weights:
        beside = [name for name in beside if name != INDEX]
    beside = [name for name in beside if not name.endswith(".index.json") or name == INDEX]
    below = [name for name in names if any(fnmatch(name, pattern) for pattern in SUBFOLDERS)]
    return [*sorted(beside), *sorted(below), *weights]


def _weights(top: list[str]) -> list[str]:
    """transformers' own order: one file, else its shards, else whatever safetensors there are."""
    found = sorted(name for name in top if name.endswith(".safetensors"))
    if SINGLE in found:
        return [SINGLE]
    shards = [name for name in found if _SHARD.fullmatch(name)]
    if shards:
        return shards
    return [name for name in found if not name.startswith("consolidated")] or found


def _refuse(top: list[str], place: str) -> None:
    pickles = sorted(name for name in top if any(fnmatch(name, pattern) for pattern in PICKLES))
    if pickles:
        raise ModelError("models.only_pickles", place=place, file=pickles[0])
    gguf = sorted(name for name in top if name.endswith(".gguf"))
    if gguf:
        raise ModelError("models.only_gguf", place=place, file=gguf[0])
    raise ModelError("models.no_weights", folder=place)


def needed(listing: Listing) -> tuple[RemoteFile, ...]:
    """The files of `listing` to fetch, small ones first. Raises SourceFailedError if one is missing."""
    by_path = {file.path: file for file in listing.files}
    names = needed_names(by_path, listing.repo)
    lacking = _lacking(names)
    if lacking:
        raise SourceFailedError("models.source_lacks", source=listing.source, repo=listing.repo, file=lacking)
    if "config.json" not in by_path:
        raise SourceFailedError(
            "models.source_lacks", source=listing.source, repo=listing.repo, file="config.json"
        )
    return tuple(sorted((by_path[name] for name in names), key=lambda file: (file.size, file.path)))


def _lacking(names: Iterable[str]) -> str | None:
    """The first shard that the shards' own names promise and that isn't there."""
    found = {name: match for name in names if (match := _SHARD.fullmatch(name))}
    for match in found.values():
        for number in range(1, int(match[2]) + 1):
            name = f"model-{number:05}-of-{match[2]}.safetensors"
            if name not in found:
                return name
    return None


def missing(folder: Path) -> str | None:
    """The first file that a snapshot `folder` needs and lacks; None where the model is whole."""
    if not (folder / "config.json").is_file():
        return "config.json"
    names = {path.name for path in folder.iterdir() if path.is_file()}
    weights = _weights(sorted(names))
    if not weights:
        return SINGLE
    if INDEX in names and SINGLE not in weights:
        absent = sorted(shards_of(folder / INDEX) - names)
        if absent:
            return absent[0]
    lacking = _lacking(weights)
    tokenizer = any(fnmatch(name, pattern) for name in names for pattern in TOKENIZERS)
    return lacking or (None if tokenizer else "tokenizer.json")


def shards_of(index: Path) -> set[str]:
    """The weight files that an index names. Raises ModelError."""
    try:
        return set(map(str, json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except MALFORMED as error:
        raise ModelError("models.bad_config", file=index, reason=error) from error
