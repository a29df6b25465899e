"""GGUF files for our own engine, written once and kept in `CONCH_HOME/cache/gguf`.

A file is known by what it was made of: a change of the weights makes another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from conch.core import env
from conch.core.text import tr
from conch.models.gguf.adapter import write_adapter
from conch.models.gguf.bare import Bare
from conch.models.gguf.model import write
from conch.models.locate import Located
from conch.models.merging import Model, merged

LORA_KIND = "f16"
VERSION = 1
"""Goes up when the same weights come to be written otherwise."""


def folder() -> Path:
    return env.home() / "cache" / "gguf"


def kept_model(located: Located, kind: str, tokenizer: Path, notify: Callable[[str], None]) -> Path:
    """The file of a model in the format `kind`, adapters merged in.

    Raises ExportError, ModelError or NotMergeableError.
    """
    target = folder() / f"{_safe(located.name)}-{_mark([located.folder, *located.adapters])}-{kind}.gguf"

    def make(file: Path) -> None:
        notify(tr("gguf.keeping", name=located.name))
        if located.adapters:
            model = merged(located.folder, located.adapters, tokenizer)
        else:
            model = Model.of(located.folder)
        write(model, file, kind, None, located.name, Bare())

    return _kept(target, make)


def kept_lora(adapter: Path, base: Path) -> Path:
    """The file of an adapter alone. Raises ExportError for one that is more than LoRA."""
    target = folder() / f"{_safe(adapter.name)}-{_mark([adapter, base])}-lora.gguf"

    def make(file: Path) -> None:
        write_adapter(adapter, base, file, LORA_KIND)

    return _kept(target, make)


def _kept(target: Path, make: Callable[[Path], None]) -> Path:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not target.exists():
                make(target)
    return target


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name)[:60]


def _mark(folders: Sequence[Path]) -> str:
    """Of the files that a model is made of: their places, sizes and times."""
    told = hashlib.sha256(str(VERSION).encode())
    for place in folders:
        for file in sorted([*place.glob("*.safetensors"), *place.glob("*config.json")]):
            about = file.stat()
            told.update(f"{file.resolve()} {about.st_size} {about.st_mtime_ns}\n".encode())
    return told.hexdigest()[:12]
