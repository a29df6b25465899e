"""A cleaned copy is a dataset of its own, read as the one that it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conch.data import editing, hubs
from conch.data.check import check
from conch.data.cleaning import cleaned_copy
from conch.data.describe import register
from conch.data.reading import open_dataset
from conch.data.sources import find_dataset

GOOD = {"q": "Who?", "a": "Me."}


def test_a_cleaned_copy_can_be_trained_on_and_edited(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    text = "".join(
        json.dumps(row) + "\n" for row in (GOOD, {"q": "When?", "a": ""}, {"q": "Why?", "a": "So."})
    )
    file.write_text(text)
    register("rows", {"file_name": str(file), "columns": {"prompt": "q", "response": "a", "query": None}})
    made = cleaned_copy("rows")
    assert (made.name, made.repaired.kept, made.repaired.removed) == ("rows-clean", 2, 1)
    opened = open_dataset(find_dataset("rows-clean"))
    assert check(opened).passed
    assert editing.editable(opened) is not None
    assert file.read_text() == text
    assert cleaned_copy("rows").name == "rows-clean-2"


def test_of_a_folder_the_copy_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for name in ("a.json", "b.json"):
        (folder / name).write_text(json.dumps([GOOD]))
    register("many", {"file_name": str(folder), "columns": {"prompt": "q", "response": "a", "query": None}})
    made = cleaned_copy("many")
    opened = open_dataset(find_dataset(made.name))
    assert {file.path.name for file in opened.files} == {"a.json", "b.json"}


def test_of_files_with_one_name_in_several_folders_all_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / folder / "data.jsonl" for folder in ("one", "two")]
    for place in places:
        place.parent.mkdir()
        place.write_text(json.dumps({**GOOD, "q": f"Who is {place.parent.name}?"}) + "\n")
    monkeypatch.setattr(hubs, "fetch", lambda dataset, told: places)
    columns = {"prompt": "q", "response": "a", "query": None}
    register("hubbed", {"hf_hub_url": "owner/hubbed", "columns": columns})
    made = cleaned_copy("hubbed")
    assert made.repaired.kept == 2
    opened = open_dataset(find_dataset(made.name))
    assert sum(1 for _ in opened.items()) == 2


def test_half_a_character_is_left_out_with_its_row(tmp_path: Path) -> None:
    file = tmp_path / "half.json"
    file.write_text(json.dumps([GOOD, {"q": "Half?", "a": "\ud83d"}]))
    register("half", {"file_name": str(file), "columns": {"prompt": "q", "response": "a", "query": None}})
    made = cleaned_copy("half")
    assert (made.repaired.kept, made.repaired.removed) == (1, 1)
    told = json.loads((made.repaired.folder / "removed.jsonl").read_text(encoding="utf-8"))
    assert told["content"]["a"] == "\ud83d"
