"""An archive of a model folder is taken as it is: unpacked once, confined, and only what is needed."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from conch.core.errors import ModelError
from conch.models import disk
from conch.models.locate import Request, find, locate
from tests.models.made_repo import write_repo


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return write_repo(tmp_path / "shop-model", rows=64)


def zipped(folder: Path, file: Path, top: str = "") -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"{top}{path.name}")
    return file


def tarred(folder: Path, file: Path, mode: str, top: str = ".") -> Path:
    with tarfile.open(file, mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, top)
    return file


def refused(file: Path, key: str, home: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        locate(Request(str(file)))
    assert caught.value.key == key
    assert caught.value.hint
    kept = home / "models"
    assert not kept.exists() or [path.name for path in kept.iterdir()] in ([".lock"], [])
    return caught.value


@pytest.mark.parametrize(
    ("name", "mode", "top"),
    [
        ("a.zip", "", ""),
        ("a.zip", "", "shop-model/"),
        ("a.ZIP", "", "deep/er/"),
        ("a.tar", "w", "."),
        ("a.tar.gz", "w:gz", "shop-model"),
        ("a.tgz", "w:gz", "shop-model"),
        ("a.tar.xz", "w:xz", "x/y"),
    ],
)
def test_every_kind_is_unpacked_once(packed: Path, tmp_path: Path, name: str, mode: str, top: str) -> None:
    file = tmp_path / name
    zipped(packed, file, top) if not mode else tarred(packed, file, mode, top)
    assert find(Request(str(file))) is None
    located = locate(Request(str(file)))
    assert located.name == "a"
    assert {path.name for path in located.folder.iterdir()} == {p.name for p in packed.iterdir()} | {
        "conch.json"
    }
    assert all((located.folder / p.name).read_bytes() == p.read_bytes() for p in packed.iterdir())
    before = located.folder.stat().st_mtime_ns
    assert locate(Request(str(file))) == located
    assert located.folder.stat().st_mtime_ns == before


def test_what_no_model_needs_stays_out(packed: Path, tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "notes.md", "model.onnx"):
        (packed / name).write_bytes(b"x")
    folder = locate(Request(str(zipped(packed, tmp_path / "a.zip")))).folder
    assert not {"pytorch_model.bin", "notes.md", "model.onnx"} & {path.name for path in folder.iterdir()}


def test_a_hub_cache_folder_with_its_links(packed: Path, tmp_path: Path) -> None:
    root = tmp_path / "models--org--shop"
    snapshot = root / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (root / "blobs").mkdir()
    for path in packed.iterdir():
        path.rename(root / "blobs" / f"blob-{path.name}")
        (snapshot / path.name).symlink_to(f"../../blobs/blob-{path.name}")
    folder = locate(Request(str(tarred(root, tmp_path / "a.tar", "w", root.name)))).folder
    assert (folder / "config.json").is_file()
    assert not (folder / "model.safetensors").is_symlink()


@pytest.mark.parametrize("name", ["../evil.json", "/evil.json", "a/../../evil.json", "C:/evil.json"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_lead_out_are_refused(
    packed: Path, tmp_path: Path, home: Path, name: str, kind: str
) -> None:
    file = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(zipped(packed, file), "a") as archive:
            archive.writestr(name, "x")
    else:
        with tarfile.open(tarred(packed, file, "w"), "a") as tar:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    refused(file, "models.unsafe_path", home)
    assert not list(tmp_path.rglob("evil.json"))
    assert not Path("/evil.json").exists()


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd"])
def test_links_that_lead_out_are_refused(packed: Path, tmp_path: Path, home: Path, target: str) -> None:
    (packed / "vocab.json").symlink_to(target)
    refused(tarred(packed, tmp_path / "a.tar", "w"), "models.unsafe_path", home)
    link = zipfile.ZipInfo("vocab.json")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, target)
    refused(tmp_path / "a.zip", "models.unsafe_path", home)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_device_is_refused(packed: Path, tmp_path: Path, home: Path) -> None:
    os.mkfifo(packed / "pipe")
    refused(tarred(packed, tmp_path / "a.tar", "w"), "models.unsafe_path", home)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_damaged_archives_are_told(packed: Path, tmp_path: Path, home: Path, name: str) -> None:
    file = tmp_path / name
    zipped(packed, file) if name == "a.zip" else tarred(packed, file, "w:gz" if "gz" in name else "w")
    content = file.read_bytes()
    for broken in (content[: len(content) // 2], b"no archive at all", b""):
        file.write_bytes(broken)
        refused(file, "models.bad_archive", home)


def test_archives_without_a_model_are_told(packed: Path, tmp_path: Path, home: Path) -> None:
    (packed / "model.safetensors").rename(packed / "pytorch_model.bin")
    refused(zipped(packed, tmp_path / "a.zip"), "models.no_model_inside", home)


def test_weights_cut_short_inside(packed: Path, tmp_path: Path, home: Path) -> None:
    weights = packed / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    refused(zipped(packed, tmp_path / "a.zip"), "models.bad_weights", home)


def test_more_than_the_disk_holds(
    packed: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _: disk.SPARE_BYTES)
    monkeypatch.setattr(disk, "larger_disk", lambda *_: None)
    refused(zipped(packed, tmp_path / "a.zip"), "models.disk_small", home)
