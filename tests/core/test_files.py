"""Files and folders are there whole or not at all: after errors, and after kill -9."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.core import files
from conch.core.files import (
    TEMPORARY_PREFIX,
    clear_leftovers,
    publish,
    temporary_folder,
    whole_folder,
    write_whole,
)
from tests.properties import quick, texts


class DiskFull(OSError):
    pass


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int) -> None:
        raise DiskFull

    monkeypatch.setattr(os, "fsync", refuse)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# write_whole


@settings(quick, max_examples=10)
@given(st.lists(texts | st.binary(max_size=20), min_size=1, max_size=4))
def test_the_last_content_stands(tmp_path: Path, contents: list[str | bytes]) -> None:
    file = tmp_path / "deep" / "folder" / "file"
    for content in contents:
        write_whole(file, content)
        data = content.encode() if isinstance(content, str) else content
        assert file.read_bytes() == data
    assert names(file.parent) == ["file"]


@pytest.mark.usefixtures("full_disk")
def test_old_content_stays_when_the_disk_is_full(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(DiskFull):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_ctrl_c_in_the_middle_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def interrupt(folder: object, mode: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "target" / "kept").mkdir(parents=True)
    with pytest.raises(OSError, match=r".+"):
        write_whole(tmp_path / "target", "new")
    assert names(tmp_path) == ["target"]
    assert names(tmp_path / "target") == ["kept"]


def test_what_is_written_can_be_read_by_others(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", "x")
    with whole_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("a")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o755


# folders


def test_a_folder_appears_only_when_it_is_filled(tmp_path: Path) -> None:
    target = tmp_path / "new" / "target"
    with whole_folder(target) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "file").write_text("content")
        assert not target.exists()
    assert (target / "sub" / "file").read_text() == "content"
    assert names(target.parent) == ["target"]


def test_a_failure_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "target") as folder:
        (folder / "file").write_text(str(1 // 0))
    assert names(tmp_path) == []


@pytest.mark.usefixtures("full_disk")
def test_a_folder_that_cannot_be_flushed_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(DiskFull), whole_folder(tmp_path / "target") as folder:
        (folder / "file").write_text("content")
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_neither_replaced_nor_mixed(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with whole_folder(tmp_path / "target") as folder:
        (folder / "first").write_text("first")
    refused = whole_folder(tmp_path / "target")
    (refused.__enter__() / "second").write_text("second")
    with pytest.raises(OSError, match=r".+"):
        refused.__exit__(None, None, None)
    assert names(tmp_path / "target") == ["first"]
    assert names(tmp_path) == ["target"]


def test_a_temporary_folder_goes_even_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), temporary_folder(tmp_path) as folder:
        (folder / "file").write_text(str(1 // 0))
    assert names(tmp_path) == []


# publish


def test_publish_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "target").write_text("old")
    publish(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_text() == "new"
    assert names(tmp_path) == ["target"]


def test_publish_replaces_a_folder_whole(tmp_path: Path) -> None:
    for folder, content in (("source", "new"), ("target", "old")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / content).write_text(content)
    publish(tmp_path / "source", tmp_path / "target")
    assert names(tmp_path / "target") == ["new"], "old and new content must not be mixed"
    assert names(tmp_path) == ["target"]


def test_publish_into_nowhere_keeps_the_old_folder(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "old").write_text("old")
    with pytest.raises(OSError, match=r".+"):
        publish(tmp_path / "missing", tmp_path / "target")
    assert names(tmp_path / "target") == ["old"]
    assert names(tmp_path) == ["target"]


def test_a_failed_rename_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, content in (("source", "new"), ("target", "old")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / content).write_text(content)
    rename = Path.replace

    def fail_for_the_source(path: Path, target: Path) -> Path:
        if path.name == "source":
            raise DiskFull
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", fail_for_the_source)
    with pytest.raises(DiskFull):
        publish(tmp_path / "source", tmp_path / "target")
    assert names(tmp_path / "target") == ["old"]
    assert names(tmp_path) == ["source", "target"]


def test_everything_is_flushed_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        fsync(handle)

    monkeypatch.setattr(files.os, "fsync", note)
    with whole_folder(tmp_path / "target") as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "deep").write_text("x")
        (folder / "top").write_text("y")
    assert {"deep", "sub", "top"} <= set(flushed[:-1])
    assert flushed[-1] == tmp_path.name, "the rename itself is made durable last"


def test_leftovers_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY_PREFIX}file").write_text("half")
    (tmp_path / f"{TEMPORARY_PREFIX}folder" / "sub").mkdir(parents=True)
    (tmp_path / "kept").write_text("kept")
    clear_leftovers(tmp_path)
    assert names(tmp_path) == ["kept"]


# kill -9: about two seconds, most of it the start of the children

SIZE = 300_000
WRITER = f"""
import sys
from pathlib import Path
from conch.core.files import whole_folder, write_whole
home = Path(sys.argv[1])
print("ready", flush=True)
count = 0
while True:
    count += 1
    write_whole(home / "file", str(count % 10) * {SIZE})
    with whole_folder(home / f"folder-{{count}}") as folder:
        for name in ("a", "b", "c"):
            (folder / name).write_text(str(count % 10) * 1000)
"""


def test_kill_9_leaves_old_or_new(tmp_path: Path) -> None:
    chance = random.Random(20240)
    children = []
    for number in range(10):
        home = tmp_path / str(number)
        home.mkdir()
        (home / "file").write_text("-" * SIZE)
        command = [sys.executable, "-c", WRITER, str(home)]
        children.append((home, subprocess.Popen(command, stdout=subprocess.PIPE)))
    seen = set()
    for home, child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.03))
        child.kill()
        child.wait()
        child.stdout.close()
        content = (home / "file").read_text()
        seen.add(content[0])
        assert len(content) == SIZE
        assert len(set(content)) == 1, "old and new content are mixed"
        for folder in home.glob("folder-*"):
            digit = str(int(folder.name.partition("-")[2]) % 10)
            assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(
                "abc", digit * 1000
            )
        clear_leftovers(home)
        assert all(name == "file" or name.startswith("folder-") for name in names(home))
    assert len(seen) > 1, "no child was killed in the middle of its work"
