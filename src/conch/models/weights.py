"""Tensors of a safetensors folder, read one at a time as fp32 arrays. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from conch.core.errors import ExportError
from conch.models.headers import header_length, read_header

WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class Tensor(Protocol):
    """A tensor that can be had when it is needed."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    def values(self) -> Any:
        """The numbers, as an fp32 array."""
        ...


@dataclass(frozen=True)
class Stored:
    """Where one tensor lies: `start` is counted in bytes from the beginning of `file`."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int

    def values(self) -> Any:
        """As an fp32 array. Raises ExportError for number formats of quantised models."""
        import numpy as np

        if self.dtype not in WIDTHS:
            raise ExportError("gguf.dtype", tensor=self.name, dtype=self.dtype)
        count = int(np.prod(self.shape, dtype=np.int64))
        kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
        values = np.fromfile(self.file, dtype=kinds[self.dtype], count=count, offset=self.start)
        if self.dtype == "BF16":
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32, copy=False).reshape(self.shape)


def stored_tensors(file: Path) -> dict[str, Stored]:
    """Every tensor of one safetensors file. Raises ModelError where it is damaged."""
    read_header(file)
    with file.open("rb") as opened:
        length = header_length(opened.read(8))
        opened.seek(8)
        entries = json.loads(opened.read(length))
    entries.pop("__metadata__", None)
    return {
        name: Stored(file, name, entry["dtype"], tuple(entry["shape"]), 8 + length + entry["data_offsets"][0])
        for name, entry in entries.items()
    }


def folder_tensors(folder: Path) -> dict[str, Stored]:
    """Every tensor in `folder`, whichever file it is in."""
    found: dict[str, Stored] = {}
    for file in sorted(folder.glob("*.safetensors")):
        found.update(stored_tensors(file))
    return found
