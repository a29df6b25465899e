"""What a model's files say without loading them: its config and its tensors' shapes. No torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import ModelError

MAX_HEADER = 100_000_000
"""The safetensors format's own bound on the length of a header, in bytes."""
MALFORMED = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading JSON of an unknown shape may raise."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True)
class Tensor:
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class ModelFiles:
    """A model folder, read by its headers only."""

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def parameters(self) -> int:
        return sum(tensor.size for tensor in self.tensors.values())

    @property
    def dtype(self) -> str:
        """The number format that most weights are stored in, such as BF16."""
        sizes: dict[str, int] = {}
        for tensor in self.tensors.values():
            sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.size
        return max(sizes, key=lambda dtype: sizes[dtype], default="F32")


def read_model_files(folder: Path) -> ModelFiles:
    """Config and tensor shapes of a model folder. Raises ModelError where it holds no usable model."""
    config = _read_config(folder)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        if pickles:
            raise ModelError("models.pickle", folder=folder, file=pickles[0])
        raise ModelError("models.no_weights", folder=folder)
    _check_index(folder, {path.name for path in weights})
    tensors: dict[str, Tensor] = {}
    for file in weights:
        tensors.update(read_header(file))
    return ModelFiles(folder, config, tensors)


def _read_config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("models.no_config", folder=folder) from error
    except MALFORMED as error:
        raise ModelError("models.bad_config", file=file, reason=error) from error
    if not isinstance(config, dict):
        raise ModelError("models.bad_config", file=file, reason=type(config).__name__)
    return config


def _check_index(folder: Path, present: set[str]) -> None:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return
    try:
        needed = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except MALFORMED as error:
        raise ModelError("models.bad_config", file=index, reason=error) from error
    missing = sorted(needed - present)
    if missing:
        raise ModelError("models.missing_shard", folder=folder, file=missing[0], count=len(missing))


def read_header(file: Path) -> dict[str, Tensor]:
    """Name, dtype and shape of every tensor in a safetensors file, checked against the file's length."""
    try:
        with file.open("rb") as opened:
            begun = opened.read(8)
            begun += opened.read(header_length(begun))
        return parse_header(begun, file.stat().st_size)
    except MALFORMED as error:
        raise ModelError("models.bad_weights", file=file) from error


def header_length(begun: bytes) -> int:
    """The length of a safetensors file's header, from the file's first bytes. Raises ValueError."""
    length = int.from_bytes(begun[:8], "little")
    if len(begun) < 8 or length > MAX_HEADER:
        raise ValueError("not a header")
    return length


def parse_header(begun: bytes, size: int) -> dict[str, Tensor]:
    """The tensors in a file of `size` bytes, from its first ones. Raises one of MALFORMED."""
    length = header_length(begun)
    header = begun[8 : 8 + length]
    entries = json.loads(header)
    entries.pop("__metadata__", None)
    end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    if len(header) != length or size != 8 + length + end:
        raise ValueError("not of the length that its header says")
    return {name: _tensor(entry) for name, entry in entries.items()}


def _tensor(entry: dict[str, Any]) -> Tensor:
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    if not isinstance(dtype, str) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("not a tensor")
    return Tensor(dtype, shape)
