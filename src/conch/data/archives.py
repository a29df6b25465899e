"""A path → the files of rows at it: the file itself, or what lies in a folder or a zip archive."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from conch.core.errors import DataError
from conch.data.files import DataFile, bound_of, damaged
from conch.data.readers import READERS

ENDINGS = (*READERS, ".gz", ".zip")
_NO_DATA = re.compile(
    r"(readme|license|licence|notice|changelog)\b.*|dataset_infos?\.json|removed\.jsonl", re.IGNORECASE
)
_MOST = 100_000


def is_readable(name: str) -> bool:
    """Whether a name ends as a file of rows does."""
    return Path(name).suffix.lower() in ENDINGS


def bare(name: str) -> str:
    """A file's name without the endings of its kind."""
    while is_readable(name) and Path(name).stem:
        name = Path(name).stem
    return name


def files_at(path: Path) -> list[DataFile]:
    """The files of rows at `path`, in the order of their names. Raises DataError where there are none."""
    found = list(_in_folder(path) if path.is_dir() else _at(path))
    if not found:
        raise DataError("data.no_files", folder=path, formats=", ".join(ENDINGS))
    if len(found) > _MOST:
        raise DataError("data.too_many_files", folder=path, count=len(found))
    return found


def _at(path: Path) -> Iterator[DataFile]:
    if path.suffix.lower() == ".zip":
        yield from _in_zip(path)
        return
    file = DataFile(path, gzipped=path.suffix.lower() == ".gz")
    if file.suffix not in READERS:
        raise DataError("data.unknown_format", file=path, formats=", ".join(ENDINGS))
    yield file


def _in_folder(folder: Path) -> Iterator[DataFile]:
    for path in sorted(folder.rglob("*")):
        if is_data(path.relative_to(folder).as_posix()) and path.is_file():
            yield from _at(path)


def is_data(name: str) -> bool:
    """Whether a name below a folder or in an archive is one of a file of rows."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    inner = name[: -len(".gz")] if name.lower().endswith(".gz") else name
    known = PurePosixPath(inner).suffix.lower() in READERS or inner.lower().endswith(".zip")
    return not hidden and known and not _NO_DATA.fullmatch(parts[-1])


def _in_zip(path: Path) -> Iterator[DataFile]:
    """The members of an archive that hold rows. None is ever unpacked under its own name."""
    for info in sorted(_members(path), key=lambda info: info.filename):
        name = info.filename
        if info.is_dir() or not is_data(_confined(path, name)):
            continue
        if info.flag_bits & 1:
            raise DataError("data.encrypted", file=f"{path}!{name}")
        if name.lower().endswith(".zip"):
            raise DataError("data.nested_archive", file=f"{path}!{name}")
        yield DataFile(path, name, gzipped=name.lower().endswith(".gz"))


def _members(path: Path) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise DataError("data.unreadable", file=path, reason=error.strerror or error) from error
    except Exception as error:  # zipfile lets struct's and other errors through for damaged archives
        raise damaged(path, error) from error
    if sum(info.file_size for info in members) > bound_of(path.stat().st_size):
        raise DataError("data.bomb", file=path)
    return members


def _confined(path: Path, name: str) -> str:
    """A member's name, unless it leads out of the archive."""
    if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match(r"[A-Za-z]:", name):
        raise DataError("data.unsafe_member", file=path, member=name)
    return name
