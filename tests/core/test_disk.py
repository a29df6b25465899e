"""What disks say is understood, in whatever words a library passes it on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from conch.core import disk, files
from conch.core.files import append_line
from tests.faults import small_disk

FULL = os.strerror(errno.ENOSPC)


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, FULL), errno.ENOSPC),
        (OSError(errno.ENOENT, "No such file"), None),
        (Exception(f"Error while serializing: I/O error: {FULL} (os error 28)"), errno.ENOSPC),
        (Exception("Disk quota exceeded (os error 122)"), errno.EDQUOT),
        (RuntimeError("open file failed with strerror: Read-only file system"), errno.EROFS),
        (Exception("No such file or directory (os error 2)"), None),
        (caused(RuntimeError("can't save"), OSError(errno.EACCES, "Permission denied")), errno.EACCES),
        (ValueError("a shape that does not fit"), None),
    ],
)
def test_the_number_behind_an_error(error: Exception, code: int | None) -> None:
    assert disk.said_by(error) == code


def test_foreign_errors_become_plain_ones_and_others_stay(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=FULL) as caught, disk.plain_errors(tmp_path):
        raise RuntimeError(f"{FULL} (os error 28)")
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(ValueError, match="shape"), disk.plain_errors(tmp_path):
        raise ValueError("shape")
    with pytest.raises(FileNotFoundError), disk.plain_errors(tmp_path):
        raise FileNotFoundError(2, "none")


def test_libraries_on_a_real_full_disk(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    tensors = {"a": torch.zeros(500, 500)}
    with small_disk(tmp_path / "disk", "512k") as folder:
        for write in (
            lambda: save_file(tensors, folder / "weights"),
            lambda: torch.save(tensors, folder / "state"),
            lambda: (folder / "text").write_bytes(bytes(10**6)),
        ):
            with pytest.raises(OSError, match=FULL), disk.plain_errors(folder):
                write()
            for left in folder.iterdir():
                left.unlink()
        assert disk.free_bytes(folder) == 512 * 1024
        assert disk.lack_of_room(folder, 512 * 1024) is None
        assert disk.is_full(disk.lack_of_room(folder, 512 * 1024 + 1))
        assert disk.refusal(folder) is None
        (folder / "ballast").write_bytes(bytes(500 * 1024))
        assert disk.is_full(disk.refusal(folder))
        assert [path.name for path in folder.iterdir()] == ["ballast"]


def test_a_folder_that_is_not_there_yet_is_on_the_disk_above(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "a" / "b") == pytest.approx(disk.free_bytes(tmp_path), rel=0.01)


# lines


@pytest.mark.parametrize("kept", range(12))
def test_a_line_that_was_cut_short_is_completed_not_repeated(tmp_path: Path, kept: int) -> None:
    file, line = tmp_path / "log", b'{"a": "bc"}\n'
    append_line(file, b"before\n")
    with file.open("ab") as opened:
        opened.write(line[:kept])
    append_line(file, line)
    assert file.read_bytes() == b"before\n" + line


def test_what_another_left_unfinished_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b'{"other": "and a long')
    append_line(file, b'{"a": 1}\n')
    assert file.read_bytes() == b'{"other": "and a long\n{"a": 1}\n'


def test_a_disk_that_takes_a_part_says_so_and_gets_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, line = tmp_path / "log", b'{"a": "0123456789"}\n'
    room = [7]

    def write(handle: int, data: memoryview) -> int:
        taken = min(room[0], len(data))
        if not taken:
            raise OSError(errno.ENOSPC, FULL)
        room[0] -= taken
        return real(handle, data[:taken])

    real = os.write
    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(OSError, match=FULL):
        append_line(file, line)
    assert file.read_bytes() == line[:7]
    room[0] = 100
    append_line(file, line)
    assert file.read_bytes() == line


def test_a_whole_file_that_finds_no_room_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int, data: bytes) -> None:
        os.write(handle, data[:1])
        raise OSError(errno.ENOSPC, FULL)

    file = tmp_path / "file"
    files.write_whole(file, "old")
    monkeypatch.setattr(files, "_put", refuse)
    with pytest.raises(OSError, match=FULL):
        files.write_whole(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
