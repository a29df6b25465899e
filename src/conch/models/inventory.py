"""The models on this machine, wherever they were put: Conch's own folder and the hubs' caches. No torch."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import ModelError
from conch.models.headers import MALFORMED, ModelFiles, read_model_files
from conch.models.needed import missing


@dataclass(frozen=True)
class Entry:
    """A model on the disk. `root` is what goes when it is removed; `folder` is None until it is whole."""

    name: str
    source: str
    root: Path
    folder: Path | None

    def bytes(self) -> int:
        """What it takes on the disk; files that are linked to are counted once."""
        seen: dict[tuple[int, int], int] = {}
        for place, _, names in os.walk(self.root):
            for name in names:
                with contextlib.suppress(OSError):
                    stat = os.lstat(os.path.join(place, name))  # noqa: PTH118 - many files
                    seen[(stat.st_dev, stat.st_ino)] = stat.st_size
        return sum(seen.values())

    def read(self) -> ModelFiles:
        """Its config and tensor shapes. Raises ModelError where it isn't whole."""
        if self.folder is None:
            raise ModelError("models.partial", name=self.name)
        lacking = missing(self.folder)
        if lacking is not None and lacking != "tokenizer.json":
            raise ModelError("models.partial", name=self.name)
        return read_model_files(self.folder)


def entries() -> list[Entry]:
    """Every model on this machine, by name."""
    found = [*_own(), *_huggingface(), *_modelscope()]
    return sorted(found, key=lambda entry: (entry.name.lower(), entry.source))


def find_entry(name: str) -> Entry:
    """The model called `name`. Raises ModelError where there is none, or more than one."""
    named = [entry for entry in entries() if name in {entry.name, str(entry.root), str(entry.folder)}]
    named = named or [entry for entry in entries() if entry.name.rpartition("/")[2] == name]
    if not named:
        raise ModelError("models.not_kept", name=name)
    if len(named) > 1:
        raise ModelError("models.which", name=name, known=", ".join(str(entry.root) for entry in named))
    return named[0]


def remove(entry: Entry) -> None:
    """Delete it from the disk. Raises ModelError where that fails."""
    try:
        shutil.rmtree(entry.root)
    except OSError as error:
        raise ModelError("models.cannot_remove", folder=entry.root, reason=error.strerror or error) from error


def has_chat_template(folder: Path) -> bool:
    """Whether the model brings a chat template of its own."""
    if (folder / "chat_template.jinja").is_file():
        return True
    for name in ("tokenizer_config.json", "chat_template.json"):
        try:
            if json.loads((folder / name).read_text(encoding="utf-8")).get("chat_template"):
                return True
        except MALFORMED:
            continue
    return False


def _own() -> Iterator[Entry]:
    for folder in _folders(env.home() / "models"):
        try:
            source = json.loads((folder / "conch.json").read_text(encoding="utf-8"))["source"]
        except MALFORMED:
            continue
        yield Entry(folder.name, str(source), folder, folder)


def _huggingface() -> Iterator[Entry]:
    for root in _folders(env.hub_cache(), "models--*--*"):
        name = root.name.removeprefix("models--").replace("--", "/", 1)
        yield from _snapshot_entry(name, "huggingface", root)


def _modelscope() -> Iterator[Entry]:
    cache = env.modelscope_cache()
    for root in _folders(cache / "models", "*--*"):
        yield from _snapshot_entry(root.name.replace("--", "/", 1), "modelscope", root)
    for models in (cache / "models", cache / "hub" / "models"):  # as versions before 1.38 kept them
        for owner in _folders(models):
            for root in _folders(owner):
                if root.name != "snapshots" and (root / "config.json").is_file():
                    name = f"{owner.name}/{root.name.replace('___', '.')}"
                    yield Entry(name, "modelscope", root, root)


def _snapshot_entry(name: str, source: str, root: Path) -> Iterator[Entry]:
    """A repository's main snapshot if it is a language model's; what is half here counts too."""
    snapshots = _folders(root / "snapshots")
    main = _named_by_main(root)
    chosen = next((path for path in snapshots if path.name == main), None) or next(
        iter(sorted(snapshots, key=lambda path: path.stat().st_mtime, reverse=True)), None
    )
    if chosen is not None and (chosen / "config.json").is_file():
        weights = any(chosen.glob("*.safetensors"))
        begun = any((root / "blobs").glob("*.incomplete"))
        if weights or begun:
            yield Entry(name, source, root, chosen if weights else None)
    elif any(root.rglob("*.incomplete")):
        yield Entry(name, source, root, None)


def _named_by_main(root: Path) -> str:
    try:
        return (root / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return "master"


def _folders(parent: Path, pattern: str = "*") -> list[Path]:
    try:
        return sorted(path for path in parent.glob(pattern) if path.is_dir() and path.name[0] != ".")
    except OSError:
        return []


def describe(files: ModelFiles) -> dict[str, Any]:
    """Architecture, parameters and number format."""
    return {
        "architecture": next(iter(files.config.get("architectures") or []), "?"),
        "parameters": files.parameters,
        "dtype": files.dtype,
    }
