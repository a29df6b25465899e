"""Files and folders that are there whole or not at all, and what paths that people write mean.

What is written goes to a temporary name beside its target, is flushed to the disk, and takes
its name by one rename. A crash leaves the old content or the new one, and at worst a
temporary name that `clear_leftovers` removes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conch.core.leftovers import clear_dead, own

TEMPORARY_PREFIX = ".conch-tmp-"


def expanded(path: str | Path) -> Path:
    """With the user's folder for `~`; as it is where `~name` names no user: there is nothing then."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def exists(path: Path) -> bool:
    """Whether it is there; a name that no disk takes, such as one of 300 letters, is not."""
    return _holds(path.exists)


def is_file(path: Path) -> bool:
    """As `exists`, for a file."""
    return _holds(path.is_file)


def is_dir(path: Path) -> bool:
    """As `exists`, for a folder."""
    return _holds(path.is_dir)


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except OSError:
        return False


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` to `path`, replacing what was there, in one step."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=own(TEMPORARY_PREFIX), dir=path.parent)
    try:
        try:
            _put(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        Path(name).chmod(0o666 & ~_umask())
        _rename(Path(name), path)
        sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def append_line(path: Path, line: bytes) -> None:
    """Add `line`, which ends with a newline, to `path` so that readers see it whole or not yet.

    What a crash or a full disk left behind there without an end is completed where it is the beginning
    of this very line, and closed otherwise.
    """
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _put(handle, _rest(line, _unfinished(handle, len(line))))
    finally:
        os.close(handle)


def _unfinished(handle: int, longest: int) -> bytes:
    """What stands behind the last newline, or the last `longest` bytes of it."""
    length = os.lseek(handle, 0, os.SEEK_END)
    os.lseek(handle, max(0, length - longest), os.SEEK_SET)
    return os.read(handle, longest).rpartition(b"\n")[2]


def _rest(line: bytes, there: bytes) -> bytes:
    if line.startswith(there):
        return line[len(there) :]
    return b"\n" + line


def _put(handle: int, data: bytes) -> None:
    """Write all of it. A disk that becomes full takes a part first, and says so when asked to take more."""
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _rename(source: Path, target: Path) -> Path:
    return source.replace(target)


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` that is gone after the block, unless something moved it elsewhere.

    What processes that were killed left there is removed first.
    """
    parent.mkdir(parents=True, exist_ok=True)
    clear_dead(parent, TEMPORARY_PREFIX)
    temporary = Path(tempfile.mkdtemp(prefix=own(TEMPORARY_PREFIX), dir=parent))
    temporary.chmod(0o777 & ~_umask())
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def publish(source: Path, target: Path) -> None:
    """Flush `source` (a file or a folder) to the disk and give it its name. `target` is replaced whole.

    No one rename replaces a folder that holds something: it is moved aside first and put back
    if the second rename fails.
    """
    if source.is_dir():
        sync_tree(source)
    else:
        _sync_file(source)
    if source.is_dir() and target.is_dir():
        _swap_in(source, target)
    else:
        _rename(source, target)
    sync_folder(target.parent)


def _swap_in(source: Path, target: Path) -> None:
    with temporary_folder(target.parent) as aside:
        old = target.replace(aside / target.name)
        try:
            _rename(source, target)
        except BaseException:
            old.replace(target)
            raise


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary folder to fill, which becomes `target` if the block ends well.

    `target` must not exist, or be empty; it is never mixed with what was there.
    """
    with temporary_folder(target.parent) as temporary:
        yield temporary
        sync_tree(temporary)
        _rename(temporary, target)  # the system refuses where `target` holds something
        sync_folder(target.parent)


def _umask() -> int:
    """What the user's shell takes away from the permissions of new files. Reading it means setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _sync_file(file: Path) -> None:
    file.chmod(0o666 & ~_umask())  # some writers make their files private, which a published one is not
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder` to the disk."""
    for place, _, names in os.walk(folder):
        for name in names:
            _sync_file(Path(place, name))
        sync_folder(Path(place))


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable. A no-op where folders can't be opened (Windows)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear_leftovers(folder: Path) -> None:
    """Remove temporary names that a crash left in `folder`. Call only while nobody writes there."""
    for path in folder.glob(f"{TEMPORARY_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
