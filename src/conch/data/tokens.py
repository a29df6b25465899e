"""Many examples in little memory: token ids behind one another, and a file of them that needs no reading.

A list of a hundred thousand `Example`s would take a gigabyte. Here the ids of all stand in one
array of int32 with one byte beside each that says whether it is trained; an `Example` is made
when somebody asks for it. The file is a safetensors file, whole or not there, and is mapped
into memory rather than read. Standard library only.
"""

from __future__ import annotations

import itertools
import json
import mmap
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, overload

from conch.core.conversation import Origin
from conch.core.files import write_whole
from conch.data.example import IGNORED, Example

INT32 = "i"
"""array's code for four bytes (C int), on every machine that torch runs on."""
_KINDS = {"ids": ("I32", "i"), "trained": ("U8", "B"), "starts": ("I64", "q"), "origins": ("I32", "i")}
"""What a file holds: the safetensors name and the array code of each part."""


class Flat(NamedTuple):
    """Examples as plain bytes, as a worker process hands them back."""

    ids: bytes
    trained: bytes
    lengths: list[int]
    origins: list[Origin | None]
    truncated: list[bool]


def flatten(examples: Iterable[Example]) -> Flat:
    """Examples as bytes."""
    ids, trained = array(INT32), bytearray()
    lengths: list[int] = []
    origins: list[Origin | None] = []
    truncated: list[bool] = []
    for example in examples:
        ids.extend(example.input_ids)
        trained += bytes(map(IGNORED.__ne__, example.labels))
        lengths.append(len(example))
        origins.append(example.origin)
        truncated.append(example.truncated)
    return Flat(ids.tobytes(), bytes(trained), lengths, origins, truncated)


class Examples(Sequence[Example]):
    """Examples, each made when it is asked for. Equal to another one that holds the same."""

    def __init__(self, parts: Mapping[str, memoryview], files: Sequence[str] = ()) -> None:
        self._ids, self._trained = parts["ids"], parts["trained"]
        self._starts, self._origins = parts["starts"], parts["origins"]
        self._files = tuple(files)

    @staticmethod
    def of(examples: Iterable[Example]) -> Examples:
        collected = Collector()
        collected.add(flatten(examples))
        return collected.examples()

    @staticmethod
    def of_any(examples: Sequence[Example]) -> Examples:
        """The same examples in this form, which they may have already."""
        return examples if isinstance(examples, Examples) else Examples.of(examples)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        start, end = self._starts[place], self._starts[place + 1]
        ids = self._ids[start:end].tolist()
        on = self._trained[start:end]
        labels = [token if trained else IGNORED for token, trained in zip(ids, on, strict=True)]
        file, row, cut = self._origins[3 * place : 3 * place + 3]
        origin = None if file < 0 else Origin(self._files[file], row)
        return Example(ids, labels, origin, bool(cut))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Examples):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Examples({len(self)})"

    def lengths(self) -> list[int]:
        return [end - start for start, end in itertools.pairwise(self._starts)]

    def trained_counts(self) -> list[int]:
        """How many tokens of each the loss is taken over: the first has no predecessor to be told from."""
        marks = self._trained
        return [bytes(marks[start + 1 : end]).count(1) for start, end in itertools.pairwise(self._starts)]

    def truncated(self) -> int:
        """How many were cut."""
        return sum(self._origins[2::3].tolist())

    def cut_at(self, places: Sequence[int]) -> Examples:
        """The same tokens, with examples cut in two at `places`, which count the tokens of all."""
        whole = self._starts.tolist()
        starts = array("q", sorted({*whole, *places}))
        origins = array(INT32)
        for start in starts[:-1]:
            index = 3 * (bisect_right(whole, start) - 1)
            origins.extend(self._origins[index : index + 3])
        parts = {"ids": self._ids, "trained": self._trained, "starts": memoryview(starts)}
        return Examples({**parts, "origins": memoryview(origins)}, self._files)

    def save(self, path: Path) -> None:
        """Write a file that `Examples.open` maps."""
        parts = {"ids": self._ids, "trained": self._trained, "starts": self._starts, "origins": self._origins}
        header: dict[str, Any] = {"__metadata__": {"files": json.dumps(self._files, ensure_ascii=False)}}
        order = sorted(parts, key=lambda name: -parts[name].itemsize)  # each part at a multiple of its size
        place = 0
        for name in order:
            part = parts[name]
            header[name] = {
                "dtype": _KINDS[name][0],
                "shape": [len(part)],
                "data_offsets": [place, place + part.nbytes],
            }
            place += part.nbytes
        text = json.dumps(header, ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        write_whole(
            path, b"".join([struct.pack("<Q", len(text)), text, *(bytes(parts[name]) for name in order)])
        )

    @staticmethod
    def open(path: Path) -> Examples:
        """The examples of a file. Raises ValueError or OSError where it is none of ours, or not whole."""
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(bytes(data[8 : 8 + size]))
        parts = {}
        for name, (dtype, code) in _KINDS.items():
            entry = header[name]
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            if entry["dtype"] != dtype or end > len(data) or sys.byteorder != "little":
                raise ValueError(path)
            parts[name] = data[start:end].cast(code)  # type: ignore[call-overload]
        if parts["starts"][-1] != len(parts["ids"]) or len(parts["ids"]) != len(parts["trained"]):
            raise ValueError(path)
        return Examples(parts, json.loads(header["__metadata__"]["files"]))


class Collector:
    """Gathers flat examples into `Examples`."""

    def __init__(self) -> None:
        self._ids = array(INT32)
        self._trained = bytearray()
        self._starts = array("q", [0])
        self._origins = array(INT32)
        self._files: dict[str, int] = {}

    def add(self, flat: Flat) -> None:
        self._ids.frombytes(flat.ids)
        self._trained += flat.trained
        for length, origin, cut in zip(flat.lengths, flat.origins, flat.truncated, strict=True):
            self._starts.append(self._starts[-1] + length)
            file = self._files.setdefault(origin.file, len(self._files)) if origin else -1
            self._origins.extend((file, origin.row if origin else 0, cut))

    def examples(self) -> Examples:
        """Everything gathered. Call once: what comes later would not be seen."""
        parts = {
            "ids": memoryview(self._ids),
            "trained": memoryview(self._trained),
            "starts": memoryview(self._starts),
            "origins": memoryview(self._origins),
        }
        return Examples(parts, list(self._files))
