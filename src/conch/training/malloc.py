"""The C library's allocator (glibc): giving back what is free, and keeping less of it.

glibc serves large tensors out of one growing heap. Batches of ever other lengths leave holes in
it that no later tensor fits into: after a few steps of a 135M model in fp32 half of the heap was
holes (1.0 GB of 3.3). With a fixed threshold of 1 MB each large tensor is mapped by itself, so
there are no holes, but every page is faulted in anew: a fifth more processor time. So this is
kept for when memory is short. Elsewhere (musl, macOS, Windows) nothing happens here.
"""

from __future__ import annotations

import ctypes
import platform

MMAP_THRESHOLD = -3
"""`M_MMAP_THRESHOLD` of mallopt(3)."""
LARGE = 1 << 20


def keep_little() -> bool:
    """From now on map every large block by itself and give freed ones back; whether that could be done."""
    if not _is_glibc():
        return False
    done = ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
    give_back()
    return bool(done)


def give_back() -> None:
    """Return free pages of the heap to the system."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
