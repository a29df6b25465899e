"""A model folder that someone packed: zip, tar, tar.gz and the like. Nothing leaves the folder given."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from conch.core.errors import ModelError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)
"""What reading a damaged, cut or encrypted archive may raise."""


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ENDINGS)


def stem(path: Path) -> str:
    """The archive's name without its ending."""
    ending = max((end for end in ENDINGS if path.name.lower().endswith(end)), key=len)
    return path.name[: -len(ending)]


def size(archive: Path) -> int:
    """Bytes that its files take unpacked. Raises ModelError where it is no archive."""
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                return sum(member.file_size for member in opened.infolist())
        with tarfile.open(archive) as opened_tar:
            return sum(member.size for member in opened_tar if member.isfile())
    except BROKEN as error:
        raise ModelError("models.bad_archive", file=archive, reason=error) from error


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack into `folder`; returns the folder in it that holds the model. Raises ModelError."""
    try:
        if archive.name.lower().endswith(".zip"):
            _unzip(archive, folder)
        else:
            _untar(archive, folder)
    except BROKEN as error:
        raise ModelError("models.bad_archive", file=archive, reason=error) from error
    return _model_in(archive, folder)


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            name = member.filename.replace("\\", "/")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ModelError("models.unsafe_path", repo=archive.name, path=name)
            target = _inside(archive, folder, name)
            if member.is_dir():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with opened.open(member) as source, target.open("wb") as made:
                shutil.copyfileobj(source, made, 1 << 20)


def _untar(archive: Path, folder: Path) -> None:
    """Files first, then the links of a hub cache folder, which must lead to files of the same archive."""
    links: dict[Path, Path] = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            target = _inside(archive, folder, member.name)
            if member.isfile():
                target.parent.mkdir(parents=True, exist_ok=True)
                source = opened.extractfile(member)
                assert source is not None
                with source, target.open("wb") as made:
                    shutil.copyfileobj(source, made, 1 << 20)
            elif member.issym() or member.islnk():
                begin = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
                links[target] = _inside(archive, folder, _flat(begin / member.linkname))
            elif not member.isdir():
                raise ModelError("models.unsafe_path", repo=archive.name, path=member.name)
    for link, target in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file():
            shutil.copyfile(target, link)


def _flat(path: PurePosixPath) -> str:
    """`a/b/../c` is `a/c`; what climbs out keeps its `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts).replace("//", "/")


def _inside(archive: Path, folder: Path, name: str) -> Path:
    """Where a member goes. Raises ModelError where that is outside of `folder`."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\0" in name or any(":" in part for part in parts):
        raise ModelError("models.unsafe_path", repo=archive.name, path=name)
    return folder.joinpath(*parts)


def _model_in(archive: Path, folder: Path) -> Path:
    """The folder with config.json and weights, the highest one."""
    found = [path.parent for path in folder.rglob("config.json") if any(path.parent.glob("*.safetensors"))]
    if found:
        return min(found, key=lambda path: (len(path.parts), str(path)))
    bare = next(iter(sorted(folder.rglob("config.json"))), None)
    raise ModelError("models.no_model_inside", file=archive, folder=bare.parent.name if bare else "-")
