"""Tensors → safetensors files of bounded size, one tensor in memory at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conch.models.weights import Tensor

WIDTHS = {"float32": 4, "bfloat16": 2, "float16": 2}
NAMES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
WHOLE = "model.safetensors"


def write_shards(folder: Path, tensors: dict[str, Tensor], dtype: str, most_bytes: int) -> list[Path]:
    """Write `tensors` in the number format `dtype`; with an index where they don't fit in one file."""
    groups = list(_groups(tensors, WIDTHS[dtype], most_bytes))
    count = len(groups)
    names = (
        [WHOLE] if count == 1 else [f"model-{n:05}-of-{count:05}.safetensors" for n in range(1, count + 1)]
    )
    for name, group in zip(names, groups, strict=True):
        _write(folder / name, group, dtype)
    if count > 1:
        places = {tensor: name for name, group in zip(names, groups, strict=True) for tensor in group}
        total = sum(_size(tensor, WIDTHS[dtype]) for tensor in tensors.values())
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
        (folder / f"{WHOLE}.index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return [folder / name for name in names]


def _size(tensor: Tensor, width: int) -> int:
    return math.prod(tensor.shape) * width


def _groups(tensors: dict[str, Tensor], width: int, most: int) -> Iterator[dict[str, Tensor]]:
    """Neighbours together; a tensor that is too large by itself has a file of its own."""
    group: dict[str, Tensor] = {}
    size = 0
    for name in sorted(tensors, key=_in_order):
        more = _size(tensors[name], width)
        if group and size + more > most:
            yield group
            group, size = {}, 0
        group[name] = tensors[name]
        size += more
    yield group


def _in_order(name: str) -> list[tuple[int, str]]:
    """Layer 2 comes before layer 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]


def _write(file: Path, tensors: dict[str, Tensor], dtype: str) -> None:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in tensors.items():
        end = at + _size(tensor, WIDTHS[dtype])
        header[name] = {"dtype": NAMES[dtype], "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as opened:
        opened.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            opened.write(memoryview(rounded(tensor.values(), dtype)).cast("B"))


def rounded(values: Any, dtype: str) -> Any:
    """fp32 numbers rounded to the nearest of `dtype` (ties to even); bf16 as its raw 16 bits."""
    import numpy as np
    import torch

    values = np.ascontiguousarray(values)
    if dtype == "float32":
        return values
    short = torch.from_numpy(values).to(getattr(torch, dtype))
    return short.view(torch.int16).numpy()
