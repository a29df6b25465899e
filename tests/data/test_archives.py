"""Folders and archives: which of their files are read, and which are refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from conch.core.errors import DataError
from conch.data import archives
from conch.data.archives import bare, files_at, is_readable
from conch.data.rows import Row
from tests.data.made import ALPACA, ROW, as_csv, as_gz, as_json, as_lines, as_zip, checked, opened, write


def archive(file: Path, members: dict[str, bytes]) -> Path:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return write(file, out.getvalue())


def test_a_folder_is_the_rows_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name, content in {
        "b.json": as_json(ALPACA),
        "a.jsonl": as_lines(ALPACA),
        "sub/c.csv": as_csv(ALPACA),
        "sub/d.jsonl.gz": as_gz(ALPACA),
        "e.zip": as_zip(ALPACA),
        "README.txt": b"no data",
        "dataset_info.json": b"{}",
        "picture.png": b"",
        ".hidden.json": b"broken",
        ".git/x.json": b"broken",
    }.items():
        write(folder / name, content)
    shown = [file.shown for file in files_at(folder)]
    names = ["a.jsonl", "b.json", "e.zip!inner.jsonl", "sub/c.csv", "sub/d.jsonl.gz"]
    assert shown == [str(folder / name) for name in names]
    assert checked(folder).rows == 10


def test_rows_name_the_file_inside_of_an_archive(tmp_path: Path) -> None:
    file = archive(tmp_path / "a.zip", {"x/1.jsonl": as_lines([ROW]), "2.csv": as_csv([ROW])})
    places = [(item.file, item.number) for item in opened(file).items() if isinstance(item, Row)]
    assert places == [(f"{file}!2.csv", 2), (f"{file}!x/1.jsonl", 1)]


def test_what_is_no_data_in_an_archive_is_passed_over(tmp_path: Path) -> None:
    members = {
        "__MACOSX/._a.json": b"broken",
        ".DS_Store": b"",
        "folder/": b"",
        "LICENSE.txt": b"no data",
        "a.json": as_json([ROW]),
    }
    assert [f.member for f in files_at(archive(tmp_path / "a.zip", members))] == ["a.json"]


@pytest.mark.parametrize(
    "name", ["../a.json", "/etc/a.json", "x/../../a.json", "C:\\a.json", "..\\a.json", "\\a.json"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    file = archive(tmp_path / "a.zip", {name: as_json([ROW])})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError) as error:
        files_at(file)
    assert error.value.key == "data.unsafe_member"
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written anywhere"


def test_a_password_and_an_archive_inside_are_refused(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"a.json": as_json([ROW])}).read_bytes()
    with pytest.raises(DataError) as error:
        files_at(archive(tmp_path / "a.zip", {"inner.zip": inner}))
    assert error.value.key == "data.nested_archive"
    data = bytearray(archive(tmp_path / "b.zip", {"a.json": as_json([ROW])}).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError) as error:
        files_at(write(tmp_path / "c.zip", bytes(data)))
    assert error.value.key == "data.encrypted"


@pytest.mark.parametrize("name", ["a.foo", "a", "a.foo.gz", "a.gz"])
def test_kinds_that_are_not_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as error:
        files_at(write(tmp_path / name, b"x"))
    assert error.value.key == "data.unknown_format"
    assert ".parquet" in error.value.hint


def test_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", archive(tmp_path / "a.zip", {"a.png": b""})):
        with pytest.raises(DataError) as error:
            files_at(place)
        assert error.value.key == "data.no_files"
    monkeypatch.setattr(archives, "_MOST", 1)
    write(tmp_path / "a.json", ALPACA)
    write(tmp_path / "b.json", ALPACA)
    with pytest.raises(DataError) as error:
        files_at(tmp_path)
    assert error.value.key == "data.too_many_files"


def test_endings() -> None:
    assert bare("a.b.jsonl.gz") == "a.b"
    assert bare("a.zip") == "a"
    assert bare("folder") == "folder"
    assert is_readable("A.JSONL")
    assert not is_readable("alpaca_v1.5")
