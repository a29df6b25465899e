"""Builds the files of `c/` once for this machine, as one library, and calls it. Where that can't be,
there is no library: the callers have the same computation in torch.

The build takes about a second and is kept in Conch's cache under a name made of what it depends on.
It uses the very OpenMP runtime that torch brought along, so both share one set of threads.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch

from conch.core import env
from conch.core.files import publish, temporary_folder
from conch.models.hardware import cpu_flags

SOURCES = Path(__file__).with_name("c")
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp", "-shared", "-fPIC")
BUILD_SECONDS = 60.0


class Native:
    """The functions of the library, called with tensors, None (a null pointer), and plain numbers."""

    def __init__(self, file: Path) -> None:
        self._library = ctypes.CDLL(str(file))

    def call(self, name: str, *arguments: torch.Tensor | int | float | None) -> None:
        """Call one function. Tensors must be contiguous and live on the CPU."""
        getattr(self._library, name)(*map(_as_c, arguments))

    def ask(self, name: str, *arguments: int) -> int:
        """Call one function of whole numbers that gives one."""
        function = getattr(self._library, name)
        function.restype = ctypes.c_int64
        return int(function(*map(_as_c, arguments)))


def _as_c(value: torch.Tensor | int | float | None) -> Any:
    match value:
        case torch.Tensor():
            assert value.is_contiguous()
            return ctypes.c_void_p(value.data_ptr())
        case None:
            return ctypes.c_void_p(None)
        case int():
            return ctypes.c_int64(value)
        case _:
            return ctypes.c_float(value)


def native_for(*tensors: torch.Tensor) -> Native | None:
    """The library, where it exists and these tensors are such as it computes with."""
    if all(t.dtype == torch.float32 and t.device.type == "cpu" and t.is_contiguous() for t in tensors):
        return library()
    return None


@cache
def library() -> Native | None:
    """The library for this machine, built if need be; None where that does not work."""
    runtime, compiler = _openmp(), shutil.which("cc") or shutil.which("gcc")
    if runtime is None or compiler is None:
        return None
    try:
        return Native(_built(compiler, runtime))
    except (OSError, subprocess.SubprocessError):
        return None


def _openmp() -> Path | None:
    """The OpenMP runtime that torch has loaded. With another beside it, threads would fight for the cores."""
    if sys.platform != "linux":
        return None
    return next(iter(Path(torch.__file__).with_name("lib").glob("libgomp*.so*")), None)


def _built(compiler: str, runtime: Path) -> Path:
    texts = [file.read_text(encoding="utf-8") for file in sorted(SOURCES.iterdir())]
    parts = (*texts, *FLAGS, compiler, str(runtime), *sorted(cpu_flags()))
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    target = env.home() / "cache" / f"native-{digest[:16]}.so"
    if target.is_file():
        return target
    files = map(str, sorted(SOURCES.glob("*.c")))
    with temporary_folder(target.parent) as staging:
        made = staging / target.name
        words = [compiler, *FLAGS, *_width(), *files, str(runtime), "-lm", "-o", str(made)]
        subprocess.run(words, check=True, capture_output=True, timeout=BUILD_SECONDS)
        publish(made, target)
    return target


def _width() -> tuple[str, ...]:
    """Compilers use half of AVX-512's width unless told."""
    return ("-mprefer-vector-width=512",) if "avx512f" in cpu_flags() else ()
