"""Files of every kind become rows, one by one, and what can't be read is told by line."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.core.errors import DataError, RowError
from conch.data import files, lines, readers
from conch.data.archives import files_at
from conch.data.files import DataFile
from conch.data.readers import READERS, json_rows
from conch.data.rows import Fault, Item, Row
from tests.data.made import (
    ALPACA,
    KINDS,
    OTHER,
    ROW,
    as_csv,
    as_gz,
    as_lines,
    as_parquet,
    as_xlsx,
    as_zip,
    write,
)
from tests.properties import AWKWARD, quick


def items(path: Path) -> list[Item]:
    return [item for file in files_at(path) for item in readers.read(file)]


def values(path: Path) -> list[dict[str, Any]]:
    found = items(path)
    assert all(isinstance(item, Row) for item in found), found
    return [dict(item.values) for item in found if isinstance(item, Row)]


def faults(path: Path) -> list[tuple[str, int | None, bool]]:
    """Key, row and whether it is the end, of each fault."""
    found = [item for item in items(path) if isinstance(item, Fault)]
    assert all(fault.error.hint for fault in found)
    return [(f.error.key, f.error.row if isinstance(f.error, RowError) else None, f.end) for f in found]


# every kind


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_file_gives_its_rows(tmp_path: Path, name: str) -> None:
    rows = [{**ROW, "output": 'a, "b"\n\tc 😀'}, OTHER, ROW]
    file = write(tmp_path / name, KINDS[name](rows))
    assert values(file) == rows


def test_text_gives_a_row_a_line(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "one\r\n\n  two \n海螺")
    assert [(item.number, item.values) for item in items(file) if isinstance(item, Row)] == [
        (1, {"text": "one"}),
        (3, {"text": "  two "}),
        (4, {"text": "海螺"}),
    ]


@pytest.mark.parametrize("name", [*KINDS, "a.txt"])
def test_what_is_written_back_is_what_was_read(tmp_path: Path, name: str) -> None:
    content = b"one\ntwo\n" if name == "a.txt" else KINDS[name](ALPACA)
    (file,) = files_at(write(tmp_path / name, content))
    copy = tmp_path / f"copy{file.suffix}"
    rows = (item for item in readers.read(file) if isinstance(item, Row))
    READERS[file.suffix].write(file, rows, copy)
    assert values(copy) == values(tmp_path / name)


@pytest.mark.parametrize("name", [*KINDS, "a.txt"])
def test_an_empty_file_gives_nothing_or_a_fault(tmp_path: Path, name: str) -> None:
    if name == "a.zip":
        return
    found = items(write(tmp_path / name, b""))
    assert all(isinstance(item, Fault) and item.end for item in found)


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "b.arrow", "a.xlsx", "a.jsonl.gz", "a.zip"])
def test_a_damaged_file_is_told_with_its_name(tmp_path: Path, name: str) -> None:
    content = KINDS[name](ALPACA * 50)
    file = write(tmp_path / name, content[: len(content) // 2])
    try:
        found = items(file)
    except DataError as error:
        found = [Fault(error, end=True)]
    last = found[-1]
    assert isinstance(last, Fault)
    assert last.end
    assert last.error.key == "data.damaged"
    assert str(file) in last.error.message
    assert last.error.hint


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.xlsx", "a.gz", "a.zip"])
def test_a_file_of_another_kind_than_its_ending(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name.replace("a.gz", "a.jsonl.gz"), as_lines(ALPACA))
    try:
        (fault,) = items(file)
    except DataError as error:
        fault = Fault(error)
    assert isinstance(fault, Fault)
    assert fault.error.key == "data.damaged"


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)

    def refuse(*_: Any) -> BinaryIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    (fault,) = items(file)
    assert isinstance(fault, Fault)
    assert fault.error.key == "data.unreadable"
    assert "Permission denied" in str(fault.error)


# in parts


def test_large_files_are_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows of ten thousand are given when only a little of the file has been read."""
    monkeypatch.setattr(json_rows, "_CHUNK", 4096)
    rows = [{**ROW, "input": str(i)} for i in range(10_000)]
    for name in ("a.json", "a.jsonl", "a.csv"):
        file = write(tmp_path / name, KINDS[name](rows))
        read = 0
        real = DataFile.open

        class Counting:
            def __init__(self, stream: BinaryIO) -> None:
                self._stream = stream

            def __enter__(self) -> Counting:
                return self

            def __exit__(self, *_: object) -> None:
                self._stream.close()

            def read(self, size: int = -1) -> bytes:
                return self._count(self._stream.read(size))

            def readline(self, size: int = -1) -> bytes:
                return self._count(self._stream.readline(size))

            def _count(self, data: bytes) -> bytes:
                nonlocal read
                read += len(data)
                return data

        monkeypatch.setattr(DataFile, "open", lambda self, real=real: Counting(real(self)))
        (found,) = files_at(file)
        assert len(list(islice(readers.read(found), 5))) == 5
        monkeypatch.setattr(DataFile, "open", real)
        assert 0 < read < file.stat().st_size / 20, name


def test_parquet_is_read_in_batches(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", as_parquet([{**ROW, "input": str(i)} for i in range(2000)]))
    assert [int(v["input"]) for v in values(file)] == list(range(2000))
    (found,) = files_at(file)
    assert READERS[".parquet"].count(found) == 2000


# JSON

DEEP = "[" * 100_000
LONG = "9" * 5_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ALPACA)),
        ("a.json", "\ufeff" + json.dumps(ALPACA)),
        ("a.json", json.dumps(ALPACA, indent=2, ensure_ascii=False)),
        ("a.json", "\n".join(map(json.dumps, ALPACA))),
        ("a.json", "\n" + "\r\n".join(map(json.dumps, ALPACA)) + "\r\n"),
        ("a.jsonl", as_lines(ALPACA)),
        ("a.ndjson", as_lines(ALPACA)),
        ("A.JSONL", as_lines(ALPACA)),
        ("a.jsonl", "\ufeff" + "\n\n".join(map(json.dumps, ALPACA))),
        ("a.jsonl", json.dumps(ALPACA, indent=2)),
    ],
)
def test_json_arrays_and_json_lines_under_either_name(
    tmp_path: Path, name: str, content: str | bytes
) -> None:
    assert values(write(tmp_path / name, content)) == ALPACA


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_letters_that_look_like_line_ends_stay_inside_their_line(tmp_path: Path, letter: str) -> None:
    rows = [{**ROW, "output": f"one{letter}two"}] * 2
    assert values(write(tmp_path / "a.jsonl", rows)) == rows


def test_rows_of_json_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", f"\n{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n")
    assert [item.number for item in items(file) if isinstance(item, Row)] == [2, 4]


@quick
@given(
    rows=st.lists(st.dictionaries(st.text(AWKWARD, max_size=5), st.text(AWKWARD, max_size=20)), max_size=6),
    indent=st.sampled_from([None, 0, 3]),
    chunk=st.integers(1, 40),
)
def test_an_array_is_the_same_however_it_is_cut_into_parts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]], indent: int | None, chunk: int
) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    file = write(tmp_path_factory.getbasetemp() / "cut.json", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "_CHUNK", chunk)
        assert values(file) == rows


@quick
@given(text=st.text('{}[]:,"a1 \n', max_size=30), chunk=st.integers(1, 20))
def test_an_array_is_refused_where_json_refuses_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, chunk: int
) -> None:
    file = write(tmp_path_factory.getbasetemp() / "odd.json", f"[{text}]")
    try:
        expected = json.loads(f"[{text}]")
    except json.JSONDecodeError:
        expected = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "_CHUNK", chunk)
        found = items(file)
    ended = bool(found) and isinstance(found[-1], Fault) and found[-1].end
    assert ended == (expected is None)
    assert ended or len(found) == len(expected)


JSON_FAULTS: dict[str, tuple[str, str | bytes, list[tuple[str, int | None, bool]]]] = {
    "not an array": ("a.json", json.dumps(ROW), [("data.not_array", None, True)]),
    "a number": ("a.json", "3", [("data.not_array", None, True)]),
    "nothing": ("a.json", "null", [("data.not_array", None, True)]),
    "cut short": ("a.json", '[\n{"instruction": "a",\n"output": ', [("check.not_json", 3, True)]),
    "no comma": ("a.json", '[\n{"a": 1}\n{"b": 2}]', [("check.not_json", 3, True)]),
    "comma at the end": ("a.json", '[{"a": 1},\n]', [("check.not_json", 2, True)]),
    "not closed": ("a.json", '[{"a": 1}\n', [("check.not_json", 2, True)]),
    "more behind it": ("a.json", "[]\n[]", [("check.not_json", 2, True)]),
    "python": ("a.json", "[{'a': 1}]", [("check.not_json", 1, True)]),
    "deep": ("a.json", DEEP, [("check.not_json", 1, True)]),
    "long number": ("a.json", f'[{{"a": {LONG}}}]', [("check.not_json", 1, True)]),
    "text row": ("a.json", '[{"a": 1}, "text"]', [("check.not_object", 2, False)]),
    "list row": ("a.json", "[[1]]", [("check.not_object", 1, False)]),
    "deep line": ("a.jsonl", f'{{"a": 1}}\n{{"a": {DEEP}', [("check.not_json", 2, False)]),
    "bad lines": (
        "a.jsonl",
        '{"a": }\n\n{"a": 1}\nnull\ntrue\n{"a": ' + LONG + "}\n",
        [
            ("check.not_json", 1, False),
            ("check.not_object", 4, False),
            ("check.not_object", 5, False),
            ("check.not_json", 6, False),
        ],
    ),
    "bad line under .json": ("a.json", '{"a": 1}\n{\n{"a": 2}', [("check.not_json", 2, False)]),
    "GBK": ("a.json", '[{"a": "海螺"}]'.encode("gbk"), [("check.not_utf8", 1, True)]),
    "GBK line": (
        "a.jsonl",
        b'{"a": 1}\n' + '{"a": "海"}\n'.encode("gbk") * 2,
        [("check.not_utf8", 2, False), ("check.not_utf8", 3, False)],
    ),
    "UTF-16": ("a.json", "[]".encode("utf-16"), [("check.not_utf8", 1, True)]),
    "UTF-16 lines": ("a.jsonl", "{}\n{}\n".encode("utf-16"), [("check.not_utf8", 1, True)]),
}


@pytest.mark.parametrize("case", JSON_FAULTS)
def test_json_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    name, content, expected = JSON_FAULTS[case]
    assert faults(write(tmp_path / name, content)) == expected


def test_the_place_is_told_in_the_words_of_the_message(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", '[\n{"a": 1}\n  {"b": 2}]')
    (fault,) = [item for item in items(file) if isinstance(item, Fault)]
    assert f"{file} line 3: not JSON, at column 3" in str(fault.error)


@pytest.mark.parametrize(
    ("content", "guess"),
    [("海螺".encode("gbk"), "GBK"), ("海".encode("utf-16"), "UTF-16"), (b"caf\xe9", "latin-1")],
)
def test_the_encoding_is_guessed(tmp_path: Path, content: bytes, guess: str) -> None:
    (fault,) = items(write(tmp_path / "a.txt", content))
    assert isinstance(fault, Fault)
    assert fault.error.values["guess"] == guess
    assert guess in fault.error.hint


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.csv"])
def test_a_line_that_is_too_long_is_never_held_whole(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 100)
    head = "a" if name == "a.csv" else '{"a": 1}'
    file = write(tmp_path / name, f"{head}\n{'x' * 350}\n{head}\n")
    assert ("check.long_line", 2, False) in faults(file)
    assert [item.number for item in items(file) if isinstance(item, Row)][-1] == 3


# tables


def test_a_table_may_have_lines_in_its_cells_and_the_marks_of_spreadsheets(tmp_path: Path) -> None:
    rows = [{"a": "one\ntwo", "b": 'say "hi"'}, {"a": "x;y", "b": ""}]
    found = items(write(tmp_path / "a.csv", b"\xef\xbb\xbf" + as_csv(rows)))
    assert [(item.number, item.values) for item in found if isinstance(item, Row)] == [
        (2, rows[0]),
        (4, rows[1]),
    ]
    assert values(write(tmp_path / "b.csv", as_csv(rows, ";"))) == rows


def test_lines_that_are_no_rows_of_a_table(tmp_path: Path) -> None:
    content = b"a,b\n1,2,3\n\n4\n" + "海,x\n".encode("gbk") + b"5,6\n"
    file = write(tmp_path / "a.csv", content)
    assert faults(file) == [("check.too_many_cells", 2, False), ("check.not_utf8", 5, False)]
    rows = [item for item in items(file) if isinstance(item, Row)]
    assert [(row.number, row.values) for row in rows] == [
        (4, {"a": "4", "b": None}),
        (6, {"a": "5", "b": "6"}),
    ]
    assert faults(write(tmp_path / "b.csv", "列,x\n".encode("gbk") + b"1,2\n")) == [
        ("check.not_utf8", 1, True)
    ]


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conch.data.readers import delimited

    monkeypatch.setattr(delimited, "LONGEST", 1000)
    file = write(tmp_path / "a.csv", 'a,b\n1,"2\n' + "3,4\n" * 5000)
    assert faults(file) == [("check.bad_table", 2, True)]


def test_cells_of_a_workbook(tmp_path: Path) -> None:
    import datetime

    row = {"a": 3, "b": 2.0, "c": 2.5, "d": True, "e": None, "f": datetime.date(2026, 1, 2)}
    found = items(write(tmp_path / "a.xlsx", as_xlsx([row])))
    assert [item.values for item in found if isinstance(item, Row)] == [
        {"a": "3", "b": "2", "c": "2.5", "d": True, "e": "", "f": "2026-01-02 00:00:00"}
    ]
    stray = as_xlsx([{"a": 1, None: 2}])  # type: ignore[dict-item]
    assert faults(write(tmp_path / "b.xlsx", stray)) == [("check.too_many_cells", 2, False)]


# packed files


def test_what_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PLENTY", 10_000)
    many = ALPACA * 5000
    for name, content in {
        "a.jsonl.gz": as_gz(many),
        "a.zip": as_zip(many),
        "b.zip": as_zip(ALPACA, "inner.jsonl.gz", as_gz(many)),
        "a.xlsx": as_xlsx([{"a": "x" * 30_000}] * 500),
    }.items():
        file = write(tmp_path / name, content)
        try:
            last = items(file)[-1]
        except DataError as error:
            last = Fault(error)
        assert isinstance(last, Fault), name
        assert last.error.key == "data.bomb", name
