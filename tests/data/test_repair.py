"""A cleaned copy has the good rows, in the same kind of file, and a list of what was left out and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conch.core.errors import DataError
from conch.data.check import check
from conch.data.dataset import Dataset, HubPlace
from conch.data.repair import REMOVED, repair
from tests.data.made import ALPACA, KINDS, OTHER, ROW, as_csv, as_lines, as_zip, checked, opened, write

BAD = {**ROW, "output": " "}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def removed(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / REMOVED).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", [*KINDS, "a.txt"])
def test_every_kind_of_file_is_mended_in_its_own_kind(tmp_path: Path, name: str) -> None:
    is_text = name == "a.txt"
    content = b"one\ntwo\none\n" if is_text else KINDS[name]([ROW, BAD, OTHER, ROW])
    file = write(tmp_path / "set" / name, content)
    done = repair(checked(file), tmp_path / "out")
    assert sorted(everything(tmp_path / "out")) == sorted([name, REMOVED])
    assert done.kept == 2
    assert file.read_bytes() == content, "the original stays"
    copy = checked(tmp_path / "out" / name)
    assert (copy.rows, copy.passed, dict(copy.counts)) == (2, True, {})
    whys = [[why["rule"] for why in entry["why"]] for entry in removed(tmp_path / "out")]
    assert whys == ([["duplicate"]] if is_text else [["blank"], ["duplicate"]])


def test_what_was_left_out_is_told_with_its_place_and_its_content(tmp_path: Path) -> None:
    lines = as_lines([ROW, BAD]) + b'broken {"a"\n' + as_lines([{**OTHER, "output": ""}])
    file = write(tmp_path / "a.jsonl", lines)
    done = repair(checked(file), tmp_path / "out")
    assert (done.kept, done.removed) == (1, 3)
    first, second, third = removed(tmp_path / "out")
    assert (first["file"], first["row"], first["content"]) == (str(file), 2, BAD)
    assert first["why"] == [{"rule": "blank", "reason": "'output' holds white space only."}]
    assert (second["row"], second["content"].strip(), second["why"][0]["rule"]) == (
        3,
        'broken {"a"',
        "not_json",
    )
    assert third["row"] == 4
    assert (tmp_path / "out" / "a.jsonl").read_bytes() == as_lines([ROW])


def test_a_folder_keeps_its_shape_and_archives_their_members(tmp_path: Path) -> None:
    write(tmp_path / "set" / "a.jsonl", [ROW, BAD])
    write(tmp_path / "set" / "sub" / "b.csv", as_csv([BAD, {**OTHER, "input": "c"}]))
    write(tmp_path / "set" / "c.zip", as_zip([{**OTHER, "input": "d"}, BAD], "x/y.jsonl"))
    before = everything(tmp_path / "set")
    done = repair(checked(tmp_path / "set"), tmp_path / "out")
    assert (done.kept, done.removed) == (3, 3)
    assert sorted(everything(tmp_path / "out")) == ["a.jsonl", "c.zip", REMOVED, "sub/b.csv"]
    assert everything(tmp_path / "set") == before
    copy = opened(tmp_path / "out" / "c.zip")
    assert [file.member for file in copy.files] == ["x/y.jsonl"]
    assert checked(tmp_path / "out").rows == 3, "the list of what was left out is not read as rows"


def test_rows_with_a_warning_stay_but_for_repeated_ones(tmp_path: Path) -> None:
    rows = [ROW, ROW, {**ROW, "output": "I am {{name}}."}, OTHER]
    held_out = opened(write(tmp_path / "eval.jsonl", [OTHER]))
    file = write(tmp_path / "a.jsonl", rows)
    done = repair(check(opened(file), held_out), tmp_path / "out")
    assert done.kept == 2
    assert [e["why"][0]["rule"] for e in removed(tmp_path / "out")] == ["duplicate", "in_eval"]


def test_only_a_new_or_empty_folder_is_written(tmp_path: Path) -> None:
    report = checked(write(tmp_path / "a.jsonl", ALPACA))
    for target in (tmp_path, tmp_path / "a.jsonl"):
        with pytest.raises(DataError) as error:
            repair(report, target)
        assert error.value.key == "data.fix_target"
        assert error.value.hint
    write(tmp_path / "set" / "a.jsonl", ALPACA)
    with pytest.raises(DataError) as error:
        repair(checked(tmp_path / "set"), tmp_path / "set" / "clean")
    assert error.value.key == "data.fix_inside"
    (tmp_path / "empty").mkdir()
    assert repair(report, tmp_path / "empty").kept == 2


def test_a_file_that_is_read_in_part_only_is_not_mended_by_half(tmp_path: Path) -> None:
    file = write(tmp_path / "a.json", json.dumps(ALPACA).encode()[:-1])
    with pytest.raises(DataError) as error:
        repair(checked(file), tmp_path / "out")
    assert error.value.key == "data.cannot_mend"
    assert "line 1" in error.value.message
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".conch-tmp-*"))


def test_a_copy_that_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path / "a file", b"")
    with pytest.raises(DataError) as error:
        repair(checked(write(tmp_path / "a.jsonl", ALPACA)), tmp_path / "a file" / "out")
    assert error.value.key == "data.fix_unwritable"


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    """As those of a hub, which has no folder of its own."""
    places = [write(tmp_path / part / "train.jsonl", [{**ROW, "input": part}]) for part in ("en", "zh")]
    several = replace(opened(tmp_path), dataset=Dataset("x", hubs=(HubPlace("x/y"),)))
    assert [file.path for file in several.files] == places
    assert repair(check(several), tmp_path / "out").kept == 2
    assert sorted(everything(tmp_path / "out")) == ["en/train.jsonl", REMOVED, "zh/train.jsonl"]
