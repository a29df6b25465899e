"""The page of proofs keeps what was not run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import FILE, Proofs, circumstances, rows_of


def test_a_proof_that_is_run_alone_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "proofs.md"
    Proofs({"a": "1 kill", "b": "2 files"}).keep(page)
    page.write_text(page.read_text().replace("1 kill | ", "1 kill | 2001-01-01; "))
    Proofs({"b": "3 files"}).keep(page)
    assert rows_of(page.read_text()) == {
        "a": f"1 kill | 2001-01-01; {circumstances()}",
        "b": f"3 files | {circumstances()}",
    }


def test_without_proofs_nothing_is_written(tmp_path: Path) -> None:
    Proofs().keep(tmp_path / "proofs.md")
    assert list(tmp_path.iterdir()) == []


def test_the_page_is_as_it_is_written() -> None:
    page = FILE.read_text(encoding="utf-8")
    assert rows_of(page)
    assert Proofs().text(page) == page


def test_a_cell_holds_no_border() -> None:
    with pytest.raises(AssertionError):
        Proofs().tell("a | b", "1")
