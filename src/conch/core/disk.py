"""What a disk says when it does not take what is written, and how much it would take.

Libraries pass the system's error on in their own words, or keep it to themselves: here it becomes
the OSError that it was. Nothing here waits, and nothing speaks to people.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conch.core.files import TEMPORARY_PREFIX
from conch.core.leftovers import own

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""There is no room, or no more for this user: it may come back."""
REFUSED = FULL | {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG}
PROBE_BYTES = 1 << 16
TORCH_WRITER = "inline_container.cc"
_BY_WORDS = {os.strerror(code): code for code in REFUSED}
_NUMBERED = re.compile(r"\(os error (\d+)\)")


def free_bytes(folder: Path) -> int | None:
    """What this user may still write there; None where the file system does not tell."""
    try:
        usage = shutil.disk_usage(existing(folder))
    except OSError:
        return None
    return usage.free if usage.total else None


def existing(folder: Path) -> Path:
    """The nearest folder above (or at) `folder` that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def is_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in FULL


def lack_of_room(folder: Path, needed: int) -> OSError | None:
    """The error that a write of `needed` bytes would meet, as far as the free space tells."""
    free = free_bytes(folder)
    if free is None or free >= needed:
        return None
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def refusal(folder: Path, size: int = PROBE_BYTES) -> OSError | None:
    """What the disk of `folder` says to a small file: quotas show in no figure."""
    try:
        handle, name = tempfile.mkstemp(prefix=own(TEMPORARY_PREFIX), dir=folder)
    except OSError as error:
        return error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(os.urandom(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return OSError(error.errno, error.strerror, str(folder))
    finally:
        Path(name).unlink(missing_ok=True)
    return None


def said_by(error: BaseException) -> int | None:
    """The system's error number in a foreign error, as libraries written in Rust and C++ pass it on."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in REFUSED:
            return seen.errno
        text = str(seen)
        numbers = [int(number) for number in _NUMBERED.findall(text)]
        numbers += [code for words, code in _BY_WORDS.items() if words in text]
        known = [number for number in numbers if number in REFUSED]
        if known:
            return known[0]
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Within, a library's error about the disk of `folder` becomes the OSError that it was.

    Where the library tells nothing, the disk itself is asked. torch's writer fails for no other reason
    than a disk ("unexpected pos"): where that takes data again by now, it was full a moment ago.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        code = said_by(error)
        if code is None:
            refused = refusal(folder)
            code = refused.errno if refused else errno.ENOSPC if TORCH_WRITER in str(error) else None
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(folder)) from error
