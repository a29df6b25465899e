"""Conch's home and the hubs' caches onto another disk: copied, compared, and only then pointed to.

Each place moves by itself, whole or not at all: its old path becomes a link to the new one, so that
whatever knew the old path (runs, other tools, the hubs' client libraries) still finds everything.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from conch.core import env
from conch.core.disk import existing
from conch.core.errors import ModelError, UsageError
from conch.core.files import TEMPORARY_PREFIX, expanded, sync_folder, sync_tree, temporary_folder
from conch.models import disk
from conch.runs import store

Told = Callable[[str, int, int], None]
"""Hears the place in hand, its bytes copied so far and its bytes in all."""
BUSY = frozenset({"queued", "running", "paused", "stopping"})


@dataclass(frozen=True)
class Place:
    """A folder that moves from where a `link` will be to `target`. Sizes are in bytes.

    One that lies in the home already, by an earlier move, is `carried` along with it.
    """

    name: str
    link: Path
    target: Path
    size: int
    carried: bool = False

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "from": str(self.link), "to": str(self.target), "bytes": self.size}


def plan(folder: Path, caches: bool = True) -> list[Place]:
    """What would move to `folder`. Raises UsageError where it can't take it, ModelError for want of room."""
    base, home = _base(expanded(folder).absolute()), env.home()
    places = [Place("home", home, base, _size(home.resolve()))]
    own = {"huggingface": env.hub_cache(), "modelscope": env.modelscope_cache()} if caches else {}
    for name, link in own.items():
        real = link.absolute().resolve()
        if link.absolute().is_relative_to(home):
            continue  # its path goes through the home's
        if real.is_relative_to(home.resolve()):
            target = base / real.relative_to(home.resolve())
            places.append(Place(name, link.absolute(), target, 0, carried=True))
        else:
            places.append(Place(name, link.absolute(), base / "cache" / name, _size(real)))
    places = [place for place in places if place.link.resolve() != place.target.resolve()]
    for place in places:
        if not place.carried:
            _check(place)
    disk.check_room(sum(place.size for place in places), base)
    return places


def _base(folder: Path) -> Path:
    """`folder` itself; inside of it where it is a disk's own root or in use for other things."""
    ours = folder.resolve() == env.home().resolve()
    if not ours and folder.is_dir() and (folder.is_mount() or any(folder.iterdir())):
        return folder / "conch"
    return folder


def _check(place: Place) -> None:
    source, target = place.link.resolve(), place.target.resolve()
    if target.is_relative_to(source) or (source.is_relative_to(target) and place.name == "home"):
        raise UsageError("models.move_inside", folder=place.target, place=place.link)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError("models.move_in_use", folder=place.target)
    above = existing(target.parent)
    if not os.access(above, os.W_OK):
        raise UsageError("models.move_unwritable", folder=above)


def move(places: list[Place], told: Told) -> None:
    """Move each of `places`. Raises ModelError; a place then still is where it was."""
    left: list[Path] = []
    with _alone():
        try:
            for place in places:
                try:
                    old = _point(place) if place.carried else _move(place, told)
                except (OSError, shutil.Error) as error:
                    raise ModelError("models.move_failed", place=place.link, reason=error) from error
                left += [old] if old is not None and not place.carried else []
        finally:
            for old in left:
                shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Nobody else moves, and no run writes."""
    busy = [run.id for run in store.list_runs() if run.state() in BUSY]
    if busy:
        raise ModelError("models.move_busy", run=busy[0])
    env.home().parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(env.home().parent / f"{TEMPORARY_PREFIX}move.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelError("models.move_twice") from error
    try:
        yield
    finally:
        lock.release()


def _move(place: Place, told: Told) -> Path | None:
    """Copy, compare, point; returns the folder that is left over."""
    source = place.link.resolve()
    with temporary_folder(place.target.parent) as temporary:
        made = temporary / "copy"
        if source.is_dir():
            _copy(source, made, place, told)
            _compare(source, made)
        else:
            made.mkdir()
        sync_tree(made)
        if place.target.is_dir():
            place.target.rmdir()  # empty: looked at in `plan`
        made.rename(place.target)
    try:
        return _point(place)
    except BaseException:
        shutil.rmtree(place.target, ignore_errors=True)
        raise


def _copy(source: Path, made: Path, place: Place, told: Told) -> None:
    copied = 0

    def one(origin: str, target: str) -> str:
        nonlocal copied
        shutil.copy2(origin, target, follow_symlinks=False)
        copied += os.lstat(origin).st_size
        told(place.name, copied, place.size)
        return target

    shutil.copytree(source, made, symlinks=True, copy_function=one)


def _compare(source: Path, made: Path) -> None:
    """Raises OSError at the first file or link that is not the same in the copy."""
    for folder, _, names in os.walk(source):
        for name in names:
            origin = Path(folder, name)
            copy = made / origin.relative_to(source)
            if origin.is_symlink():
                same = copy.is_symlink() and origin.readlink() == copy.readlink()
            elif not origin.is_file():
                continue
            else:
                same = copy.is_file() and filecmp.cmp(origin, copy, shallow=False)
            if not same:
                raise OSError(str(copy))


def _point(place: Place) -> Path | None:
    """Make `place.link` a link to the new folder; returns the old folder, under a name of its own."""
    place.link.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    link = place.link.with_name(f"{TEMPORARY_PREFIX}{mark}-link")
    link.symlink_to(place.target, target_is_directory=True)
    if place.link.is_symlink():
        old = place.link.resolve()
        link.replace(place.link)
        sync_folder(place.link.parent)
        return old if old.is_dir() else None
    if not place.link.exists():
        link.replace(place.link)
        sync_folder(place.link.parent)
        return None
    # No call swaps a folder and a link: for the moment between these two the path is missing.
    old = place.link.with_name(f"{place.link.name}.moved-{mark}")
    place.link.rename(old)
    try:
        link.rename(place.link)
    except BaseException:
        old.rename(place.link)
        raise
    sync_folder(place.link.parent)
    return old


def _size(folder: Path) -> int:
    """Bytes of its files, links aside."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                facts = os.lstat(os.path.join(place, name))  # noqa: PTH118 - many files
                total += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return total
