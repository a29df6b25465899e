"""A disk that refuses: an OSError of a chosen errno at a chosen write, whoever writes.

Our own writes go through `conch.core.files`; a library's are met where it is called, with the error
that the library itself would raise. A real small disk, where the system lets us mount one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conch.core import disk, files

RUST = "I/O error: {words} (os error {code})"


@dataclass
class Faults:
    """Counts the writes whose path holds `word`; refuses those from number `first` on, `count` of them."""

    word: str
    code: int
    first: int = 1
    count: int = 1
    seen: int = 0
    refused: list[str] = field(default_factory=list)

    def meet(self, path: Any, make: Callable[[str, int], Exception] | None = None) -> None:
        """Let this write pass, or raise."""
        if self.word not in str(path):
            return
        self.seen += 1
        if self.first <= self.seen < self.first + self.count:
            self.refused.append(str(path))
            words = os.strerror(self.code)
            raise make(words, self.code) if make else OSError(self.code, words, str(path))

    def lasts(self) -> bool:
        """Whether it has begun, and the next write is refused."""
        return bool(self.refused) and self.seen + 1 < self.first + self.count


def from_rust(words: str, code: int) -> Exception:
    """As tokenizers and safetensors raise it."""
    return Exception(RUST.format(words=words, code=code))


def from_torch(words: str, code: int) -> Exception:
    """torch tells nothing of why."""
    return RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534")


@contextmanager
def faulty(faults: Faults) -> Iterator[Faults]:
    """Within, the disk has these faults."""
    with pytest.MonkeyPatch.context() as patch:
        _ours(faults, patch)
        _libraries(faults, patch)
        yield faults


def _ours(faults: Faults, patch: pytest.MonkeyPatch) -> None:
    put, rename, refusal = files._put, files._rename, disk.refusal

    def named(handle: int) -> str:
        return str(Path(f"/proc/self/fd/{handle}").readlink()) if Path("/proc/self/fd").exists() else "?"

    def ours(name: str, real: Callable[..., Any], path_of: Callable[..., Any]) -> None:
        def write(*arguments: Any) -> Any:
            faults.meet(path_of(*arguments))
            return real(*arguments)

        patch.setattr(files, name, write)

    ours("_put", put, lambda handle, data: named(handle))
    ours("_rename", rename, lambda source, target: f"rename {target}")

    write_whole = files.write_whole

    def whole(path: Path, content: Any) -> None:  # written under a name that tells nothing
        faults.meet(path)
        write_whole(path, content)

    for module in ("conch.core.files", "conch.runs.run", "conch.training.outcome", "conch.training.plot"):
        patch.setattr(f"{module}.write_whole", whole)

    def asked(folder: Path, size: int = disk.PROBE_BYTES) -> OSError | None:
        """The disk answers as it refused, while the fault lasts; asking brings its end nearer."""
        if faults.lasts():
            faults.seen += 1
            return OSError(faults.code, os.strerror(faults.code), str(folder))
        return refusal(folder, 1)

    patch.setattr(disk, "refusal", asked)


def _libraries(faults: Faults, patch: pytest.MonkeyPatch) -> None:
    import torch
    from transformers import PreTrainedTokenizerBase, TrainerState

    def library(owner: Any, name: str, path_at: int, make: Any = None, hint: str = "") -> None:
        real = getattr(owner, name)

        def write(*arguments: Any, **named: Any) -> Any:
            path = arguments[path_at] if len(arguments) > path_at else named["filename"]
            faults.meet(f"{path}{hint}", make)
            return real(*arguments, **named)

        patch.setattr(owner, name, write)

    import peft.peft_model
    import transformers.modeling_utils

    library(peft.peft_model, "safe_save_file", 1, from_rust)
    library(transformers.modeling_utils, "safe_save_file", 1, from_rust)
    library(torch, "save", 1, from_torch)
    library(PreTrainedTokenizerBase, "save_pretrained", 1, from_rust, "/tokenizer.json")
    library(TrainerState, "save_to_json", 1)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A real file system of so many bytes at `folder`; skips where none may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=20).returncode == 0
    except OSError:
        done = False
    if not done:
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        _unmount(folder)


def _unmount(folder: Path) -> None:
    """At once for us, and for the system when the last process has left it."""
    ctypes.CDLL(None).umount2(str(folder).encode(), 2)


def fill(file: Path) -> None:
    """Take every byte that is left on the disk."""
    with file.open("wb", buffering=0) as opened:
        try:
            while True:
                opened.write(bytes(4096))
        except OSError:
            pass
    assert shutil.disk_usage(file.parent).free == 0
