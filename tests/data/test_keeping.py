"""Files from a browser are kept whole, under a name of their own, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.core.conversation import Conversation, Message
from conch.core.errors import DataError
from conch.data import registry
from conch.data.describe import register
from conch.data.keeping import free_name, is_kept, keep, keep_row, kept_folder, remove


@pytest.mark.parametrize("name", ["../../evil.jsonl", "a/b/evil.jsonl", "..\\evil.jsonl", "/etc/evil.jsonl"])
def test_only_the_last_part_of_a_name_counts(name: str, rows: Path) -> None:
    assert keep(rows, name).parent == kept_folder()
    assert [path.name for path in kept_folder().iterdir()] == ["evil.jsonl"]


def test_nothing_is_overwritten(rows: Path) -> None:
    first, second = keep(rows, "rows.json"), keep(rows, "rows.json")
    assert (first.name, second.name) == ("rows.json", "rows-2.json")
    assert second.read_bytes() == rows.read_bytes()


@pytest.mark.parametrize("name", ["tool.exe", "", ".json", "page.html"])
def test_other_kinds_of_file_are_refused(name: str, rows: Path) -> None:
    with pytest.raises(DataError):
        keep(rows, name)
    assert not kept_folder().exists() or not list(kept_folder().iterdir())


def test_a_name_is_free_and_can_be_one(tmp_path: Path) -> None:
    assert free_name(tmp_path / "my rows (1).jsonl") == "my_rows__1"
    assert free_name(tmp_path / "magic_conch.json") == "magic_conch-2"


def test_a_kept_file_goes_with_the_last_dataset_that_uses_it(rows: Path) -> None:
    kept = keep(rows, "rows.json")
    for name, file in {"one": f"files/{kept.name}", "two": str(kept), "mine": str(rows)}.items():
        register(name, {"file_name": file})
    assert not is_kept("one")
    assert not is_kept("mine")
    remove("one")
    remove("mine")
    assert kept.exists()
    assert rows.exists()
    assert is_kept("two")
    remove("two")
    assert not kept.exists()


SAID = Conversation((Message("user", "你好"), Message("assistant", "Hello.\n")))


def test_rows_are_added_to_a_dataset_begun_for_them(rows: Path) -> None:
    assert [keep_row("talks", SAID) for _ in range(3)] == [1, 2, 3]
    assert "talks" in registry.descriptions(registry.own_folder())


def test_no_row_is_added_to_a_dataset_from_elsewhere(rows: Path) -> None:
    before = rows.read_bytes()
    register("mine", {"file_name": str(rows)})
    with pytest.raises(DataError) as caught:
        keep_row("mine", SAID)
    assert caught.value.key == "data.not_kept_here"
    assert rows.read_bytes() == before
    assert not list(kept_folder().glob("*")), "nothing else was begun"
