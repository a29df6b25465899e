"""Rows changed one at a time: what is not changed stays as it stands, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conch.core.conversation import Conversation, Message
from conch.core.errors import DataError, RowError
from conch.data import editing, keeping, registry
from conch.data.describe import describe, register
from conch.data.editing import RefusedRowError
from conch.data.keeping import keep, keep_row, kept_folder
from conch.data.reading import Opened, open_dataset
from conch.data.rows import Row
from conch.data.sources import by_place, find_dataset

ROWS = [{"instruction": f"Question {n}?", "input": "", "output": f"Answer {n}."} for n in range(4)]


def written(place: Path, rows: list[Any]) -> Path:
    """A file of the kind that its ending names."""
    match place.suffix:
        case ".json":
            text = json.dumps(rows, indent=2)
        case ".jsonl":
            text = "".join(json.dumps(row) + "\n" for row in rows)
        case _:
            mark = "\t" if place.suffix == ".tsv" else ","
            lines = [list(rows[0]), *(row.values() for row in rows)]
            text = "".join(mark.join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)
    place.write_bytes(text.encode())
    return place


def ours(tmp_path: Path, name: str, rows: list[Any] = ROWS) -> Opened:
    """A registered dataset whose file Conch keeps."""
    file = keep(written(tmp_path / name, rows), name)
    register(file.stem, describe(by_place(str(file))))
    return open_dataset(find_dataset(file.stem))


def values(opened: Opened) -> list[dict[str, Any]]:
    return [dict(item.values) for item in opened.items() if isinstance(item, Row)]


def numbers(opened: Opened) -> list[int]:
    return [item.number for item in opened.items() if isinstance(item, Row)]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv"])
def test_a_row_is_edited_added_and_taken_out(name: str, tmp_path: Path) -> None:
    opened = ours(tmp_path, name)
    second = editing.held(opened, numbers(opened)[1])
    new = 'Two,\nlines and "quotes" — 你好'
    assert editing.save(opened, second, editing.edited(second, {"output": new})) == []
    assert [row["output"] for row in values(opened)] == ["Answer 0.", new, "Answer 2.", "Answer 3."]
    fresh = editing.blank(opened)
    assert set(fresh.values.values()) == {""}
    editing.save(opened, fresh, editing.edited(fresh, {"instruction": "Q", "output": "A"}))
    assert values(opened)[-1] == {"instruction": "Q", "input": "", "output": "A"}
    editing.remove(opened, editing.held(opened, numbers(opened)[-1]))
    back = editing.held(opened, numbers(opened)[1])
    editing.save(opened, back, editing.edited(back, {"output": "Answer 1."}))
    assert values(opened) == ROWS


def test_all_other_lines_stay_byte_by_byte(tmp_path: Path) -> None:
    lines = [json.dumps(row, separators=(",", " :  ")) for row in ROWS]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode())
    file = keep(tmp_path / "a.jsonl", "a.jsonl")
    register("a", describe(by_place(str(file))))
    opened = open_dataset(find_dataset("a"))
    before = file.read_bytes().split(b"\n")
    third = editing.held(opened, 5)
    editing.save(opened, third, editing.edited(third, {"output": "New."}))
    after = file.read_bytes().split(b"\n")
    assert [number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]] == [
        4
    ]


def test_an_array_keeps_its_indentation(tmp_path: Path) -> None:
    opened = ours(tmp_path, "a.json")
    first = editing.held(opened, 1)
    editing.save(opened, first, editing.edited(first, {"output": "New."}))
    expected = json.dumps([{**ROWS[0], "output": "New."}, *ROWS[1:]], indent=2)
    assert opened.files[0].path.read_text() == f"{expected}\n"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv"])
def test_a_row_that_can_not_be_trained_on_is_not_written(name: str, tmp_path: Path) -> None:
    opened = ours(tmp_path, name)
    before = opened.files[0].path.read_bytes()
    row = editing.held(opened, numbers(opened)[0])
    with pytest.raises(RefusedRowError) as caught:
        editing.save(opened, row, editing.edited(row, {"output": "  "}))
    assert "output" in caught.value.message
    assert opened.files[0].path.read_bytes() == before


def test_what_two_change_is_not_lost(tmp_path: Path) -> None:
    opened = ours(tmp_path, "a.json")
    mine, theirs = editing.held(opened, 2), editing.held(opened, 2)
    editing.save(opened, theirs, editing.edited(theirs, {"output": "Theirs."}))
    with pytest.raises(DataError) as caught:
        editing.save(opened, mine, editing.edited(mine, {"output": "Mine."}))
    assert caught.value.key == "edit.changed"
    assert values(opened)[1]["output"] == "Theirs."


def test_a_row_that_a_chat_keeps_meanwhile_is_not_lost(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Conversation((Message("user", "Hello?"), Message("assistant", "Hello.")))
    keep_row("talks", said)
    keep_row("talks", said)
    opened = open_dataset(find_dataset("talks"))
    keeps = Thread(target=lambda: keep_row("talks", said))
    real = editing.splice

    def slow(*given: Any) -> None:
        real(*given)
        keeps.start()
        keeps.join(0.3)

    monkeypatch.setattr(editing, "splice", slow)
    editing.remove(opened, editing.held(opened, 1))
    keeps.join(10)
    assert len(values(opened)) == 2


def test_whoever_never_ends_a_change_is_told_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = ours(tmp_path, "a.jsonl")
    monkeypatch.setattr(keeping, "_PATIENCE", 0.1)
    with keeping.changing(), pytest.raises(DataError) as caught:
        editing.remove(opened, editing.held(opened, 1))
    assert caught.value.key == "edit.busy"
    assert values(opened) == ROWS


def test_half_a_character_is_copied_as_it_is(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "output": "Half \ud83d."}, ROWS[1]]
    place = tmp_path / "half.json.gz"
    place.write_bytes(gzip.compress(json.dumps(rows).encode()))
    register("half", describe(by_place(str(place))))
    copy = editing.own_copy("half")
    assert values(open_dataset(find_dataset(copy.name))) == rows


def test_the_only_row_stays(tmp_path: Path) -> None:
    opened = ours(tmp_path, "a.jsonl", ROWS[:1])
    with pytest.raises(DataError) as caught:
        editing.remove(opened, editing.held(opened, 1))
    assert caught.value.key == "edit.last_row"
    assert values(opened) == ROWS[:1]


def test_a_broken_line_is_mended_and_others_with_it_are_left_alone(tmp_path: Path) -> None:
    text = json.dumps(ROWS[0]) + "\n{broken\n[1]\n" + json.dumps(ROWS[1])
    (tmp_path / "a.jsonl").write_text(text)
    file = keep(tmp_path / "a.jsonl", "a.jsonl")
    register("a", {"file_name": str(file), "formatting": "alpaca"})
    opened = open_dataset(find_dataset("a"))
    first = editing.held(opened, 1)
    editing.save(opened, first, editing.edited(first, {"output": "New."}))
    assert file.read_text().splitlines()[1:] == text.splitlines()[1:]
    broken = editing.held(opened, 2)
    assert (broken.raw or "").strip() == "{broken"
    for wrong, key in (("{still", "edit.bad_line"), ("[1]", "edit.no_object")):
        with pytest.raises(DataError) as caught:
            editing.edited(broken, {"": wrong})
        assert caught.value.key == key
    editing.save(opened, broken, editing.edited(broken, {"": json.dumps(ROWS[2])}))
    assert [row["output"] for row in values(opened)] == ["New.", "Answer 2.", "Answer 1."]


def test_no_row_of_an_array_that_breaks_off_is_changed(tmp_path: Path) -> None:
    text = json.dumps(ROWS)[:-20]
    (tmp_path / "a.json").write_text(text)
    file = keep(tmp_path / "a.json", "a.json")
    register("a", {"file_name": str(file), "formatting": "alpaca"})
    opened = open_dataset(find_dataset("a"))
    row = editing.held(opened, 1)
    with pytest.raises(DataError) as caught:
        editing.save(opened, row, editing.edited(row, {"output": "New."}))
    assert caught.value.key == "edit.broken_file"
    assert file.read_text() == text


def test_files_of_others_are_never_changed_but_copied(tmp_path: Path) -> None:
    mine = written(tmp_path / "mine.csv", ROWS)
    register("mine", describe(by_place(str(mine))))
    before = mine.read_bytes()
    opened = open_dataset(find_dataset("mine"))
    assert editing.editable(opened) is None
    with pytest.raises(DataError) as caught:
        editing.held(opened, 2)
    assert caught.value.key == "edit.not_ours"
    copied = editing.own_copy("mine")
    assert (copied.name, copied.file.parent, copied.left_out) == ("mine-edited", kept_folder(), 0)
    copy = open_dataset(find_dataset(copied.name))
    row = editing.held(copy, numbers(copy)[0])
    editing.save(copy, row, editing.edited(row, {"output": "New."}))
    assert mine.read_bytes() == before
    assert values(copy)[1:] == values(opened)[1:]
    assert editing.own_copy("mine").name == "mine-edited-2"


def test_bundled_rows_and_other_kinds_become_copies_of_lines(tmp_path: Path) -> None:
    assert editing.own_copy("magic_conch").name == "magic_conch-edited"
    texts = tmp_path / "texts.txt"
    texts.write_text("One.\n\nTwo.\n")
    register("texts", describe(by_place(str(texts))))
    copied = editing.own_copy("texts")
    assert copied.file.suffix == ".jsonl"
    opened = open_dataset(find_dataset(copied.name))
    assert [opened.sample(item).text for item in opened.items() if isinstance(item, Row)] == ["One.", "Two."]  # type: ignore[union-attr]
    row = editing.held(opened, 2)
    editing.save(opened, row, editing.edited(row, {"text": "Three."}))
    assert values(opened)[1] == {"text": "Three."}


def test_turns_and_other_values_are_json(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    opened = ours(tmp_path, "a.jsonl", [{"messages": turns, "score": 3}])
    fresh = editing.blank(opened)
    assert [turn["role"] for turn in fresh.values["messages"]] == ["user", "assistant"]
    row = editing.held(opened, 1)
    with pytest.raises(DataError) as caught:
        editing.edited(row, {"messages": "[{"})
    assert caught.value.values["column"] == "messages"
    changed = [turns[0], {**turns[1], "content": "Good day."}]
    editing.save(opened, row, editing.edited(row, {"messages": json.dumps(changed), "score": "4"}))
    assert values(opened) == [{"messages": changed, "score": 4}]
    again = editing.held(opened, 1)
    cut = editing.edited(again, {"messages": json.dumps(turns[:1])})
    with pytest.raises(RefusedRowError) as refused:
        editing.save(opened, again, cut)
    assert all(isinstance(each, RowError) for each in refused.value.problems)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)


@pytest.mark.parametrize("name", ["p.json", "p.jsonl", "p.csv"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_changes_what_it_names_and_nothing_else(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    """Against a list that is changed the same way."""
    if name.partition(".")[0] in registry.descriptions(registry.own_folder()):
        registry.remove("p")
    for file in kept_folder().glob("p*") if kept_folder().exists() else []:
        file.unlink()
    opened, wanted = ours(tmp_path, name), [dict(row) for row in ROWS]
    for _ in range(4):
        at = data.draw(st.integers(0, len(wanted) - 1))
        given_texts = {"instruction": data.draw(TEXT), "output": data.draw(TEXT)}
        match data.draw(st.sampled_from(["edit", "add", "remove"])):
            case "edit":
                row = editing.held(opened, numbers(opened)[at])
                editing.save(opened, row, editing.edited(row, given_texts))
                wanted[at] |= given_texts
            case "add":
                row = editing.blank(opened)
                editing.save(opened, row, editing.edited(row, given_texts))
                wanted.append({"instruction": "", "input": "", "output": ""} | given_texts)
            case _ if len(wanted) > 1:
                editing.remove(opened, editing.held(opened, numbers(opened)[at]))
                del wanted[at]
        assert values(opened) == wanted
