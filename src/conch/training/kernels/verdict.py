"""Which path a model trains on, found out once for each model and machine, and kept.

Trying the fused steps on a model takes as long as a few steps of training. What comes of it is kept in
Conch's cache under a digest of all that it depends on: the model's files and what trains of it, the
libraries, this package's own steps, and the processor. Where one of them changes, all is tried anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from conch.core import env
from conch.core.files import write_whole
from conch.models.hardware import cpu_flags
from conch.models.native import library
from conch.training.kernels import choice, segments
from conch.training.kernels.choice import PLAIN, FastPath

LIBRARIES = ("torch", "transformers", "peft")


@dataclass(frozen=True)
class Verdict:
    """Whether a model reads packed rows, and the parts it takes then."""

    packed: bool
    names: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    half: bool = False


def find_path(model: Any, folders: Sequence[Path], *, mixed: bool) -> tuple[bool, FastPath]:
    """Whether `model`, which was read from `folders`, takes packed rows, and its fused steps for them."""
    file = env.home() / "cache" / "fused" / f"{_digest(model, folders, mixed)}.json"
    known = _read(file)
    if known is not None:
        return known.packed, choice.path_of(model, known.names, known.left, half=known.half)
    packed = segments.is_exact_for(model)
    path = choice.choose(model, mixed=mixed) if packed else PLAIN
    _keep(file, Verdict(packed, path.names, path.left, path.half))
    return packed, path


def _read(file: Path) -> Verdict | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Verdict(found["packed"], tuple(found["names"]), tuple(found["left"]), found["half"])
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or none of ours
        return None


def _keep(file: Path, verdict: Verdict) -> None:
    try:
        write_whole(file, json.dumps(asdict(verdict)))
    except OSError:  # a home that can't be written, or a full disk: it is found out again next time
        return


def _digest(model: Any, folders: Sequence[Path], mixed: bool) -> str:
    found = hashlib.sha256()
    for part in _grounds(model, folders, mixed):
        found.update(f"{part}\0".encode())
    return found.hexdigest()[:32]


def _grounds(model: Any, folders: Sequence[Path], mixed: bool) -> Iterator[Any]:
    """All that the verdict depends on."""
    yield mixed
    yield from (metadata.version(name) for name in LIBRARIES)
    for file in sorted(Path(__file__).parent.rglob("*.[cph]*")):
        if file.suffix != ".pyc":
            yield file.read_text(encoding="utf-8") if file.is_file() else ""
    yield sorted(cpu_flags()), torch.backends.cpu.get_cpu_capability(), env.kernel_limit()
    yield library() is not None
    for folder in folders:
        stats = ((file.name, file.stat()) for file in sorted(folder.iterdir()) if file.is_file())
        yield folder, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    yield type(model), model.config.to_json_string(use_diff=False)
    for name, parameter in model.named_parameters():
        yield name, tuple(parameter.shape), parameter.dtype, parameter.device.type, parameter.requires_grad
    for name, config in sorted(getattr(model, "peft_config", {}).items()):
        yield name, json.dumps(config.to_dict(), default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    """In the same words each time, which the order of a set is not."""
    return sorted(map(str, value)) if isinstance(value, (set, frozenset)) else str(value)
