"""Datasets in the browser: dropped, checked, corrected, registered, seen as tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.browser.studio import Studio, wait_for


def drop(page: Any, studio: Studio, file: Path) -> None:
    page.goto(studio.at("data"))
    page.wait_for_selector("#page-data", state="visible")
    page.set_input_files("#data-file input[type=file]", str(file))


def test_a_file_becomes_a_dataset(page: Any, studio: Studio, dataset: Path, picture: Any) -> None:
    drop(page, studio, dataset)
    page.wait_for_selector("#data-told:has-text('alpaca')")
    page.fill("#data-name input, #data-name textarea", "my_questions")
    page.click("#data-register")
    page.wait_for_selector("#data-report .note")
    registry = json.loads((studio.home / "data" / "dataset_info.json").read_text(encoding="utf-8"))
    assert registry["my_questions"]["columns"]["prompt"] == "instruction"
    assert Path(registry["my_questions"]["file_name"]).is_relative_to(studio.home)
    page.get_by_role("tab", name="Rows").click()
    page.wait_for_selector("#data-rows:has-text('Question 3: who are you?')")
    page.get_by_role("tab", name="As the model sees it").click()
    page.click("#data-see")
    page.wait_for_selector("#data-tokens .tokens span.on")
    trained = "".join(page.locator("#data-tokens .tokens").first.locator("span.on").all_inner_texts())
    assert trained.startswith("I am the magic conch number 0.")
    assert "Question" not in trained
    picture(page, "data-tokens")


def settled(page: Any, list_of: str) -> str:
    """The text of a list once it is there and nothing of it is waited for."""
    wait_for(
        lambda: page.locator(f"{list_of} table").count() and "One moment" not in page.inner_text(list_of), 30
    )
    return str(page.inner_text(list_of))


def test_a_wrong_file_is_refused_in_words(page: Any, studio: Studio, tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{not json", encoding="utf-8")
    drop(page, studio, broken)
    page.wait_for_selector("#data-told .note.warn")
    assert "JSON" in page.inner_text("#data-told")
    picture = tmp_path / "picture.exe"
    picture.write_bytes(b"MZ")
    before = settled(page, "#data-list")
    page.set_input_files("#data-file input[type=file]", str(picture))
    wait_for(lambda: "Invalid" in page.inner_text("body") or "type" in page.inner_text("body"), 10)
    assert settled(page, "#data-list") == before
    assert not list((studio.home / "data" / "files").glob("*.exe"))


def open_rows(page: Any, studio: Studio, name: str) -> None:
    page.goto(studio.at("data"))
    page.click(f"#data-list [data-do=open][data-key={name}]")
    page.wait_for_selector("#data-report .note")
    page.get_by_role("tab", name="Rows").click()
    page.wait_for_selector("#data-rows table")


def add(page: Any, studio: Studio, file: Path, name: str) -> Path:
    """A dropped file as a dataset; returns where Conch keeps it."""
    drop(page, studio, file)
    page.wait_for_selector("#data-told .note")
    page.fill("#data-name input, #data-name textarea", name)
    page.click("#data-register")
    page.wait_for_selector(f"#data-list b:text-is('{name}')")
    registry = json.loads((studio.home / "data" / "dataset_info.json").read_text(encoding="utf-8"))
    return Path(registry[name]["file_name"])


def test_rows_are_edited_added_and_deleted(page: Any, studio: Studio, dataset: Path, picture: Any) -> None:
    file = add(page, studio, dataset, "edited")
    before = json.loads(file.read_text(encoding="utf-8"))
    open_rows(page, studio, "edited")
    page.click("#data-rows [data-do=edit] >> nth=1")
    answer = page.locator("#rows-editor [data-column=output]")
    answer.fill("")
    page.click("#rows-editor .save")
    page.wait_for_selector("#rows-editor .problem:has-text('output')")
    assert json.loads(file.read_text(encoding="utf-8")) == before, "a row that trains nothing is not kept"
    answer.fill("A new answer.")
    page.click("#language")
    page.wait_for_selector("#rows-editor .save:has-text('保存')")
    assert answer.input_value() == "A new answer.", "a switch of language loses no entry"
    page.click("#language")
    page.wait_for_selector("#rows-editor .save:has-text('Save')")
    picture(page, "data-edit")
    page.click("#rows-editor .save")
    page.wait_for_selector("#data-rows:has-text('A new answer.')")
    page.wait_for_selector("#rows-editor .row-form", state="detached")
    expected = [before[0], {**before[1], "output": "A new answer."}, *before[2:]]
    assert json.loads(file.read_text(encoding="utf-8")) == expected
    page.click("#rows-add")
    page.fill("#rows-editor [data-column=instruction]", "What is new?")
    page.fill("#rows-editor [data-column=output]", "I am.")
    page.dblclick("#rows-editor .save")
    page.wait_for_selector("#data-rows:has-text('What is new?')")
    page.wait_for_selector(f"#rows-count:has-text('of {len(before) + 1}')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#data-rows tr:has-text('What is new?') [data-do=remove]")
    page.wait_for_selector(f"#rows-count:has-text('of {len(before)}')")
    assert json.loads(file.read_text(encoding="utf-8")) == expected, "a double click adds once"


def test_turns_of_a_conversation_are_edited(page: Any, studio: Studio, tmp_path: Path, picture: Any) -> None:
    turns = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Hello."}]
    place = tmp_path / "talk.jsonl"
    place.write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    file = add(page, studio, place, "talk")
    open_rows(page, studio, "talk")
    page.click("#data-rows [data-do=edit]")
    page.click("#rows-editor .turn-lines > .act")
    page.fill("#rows-editor .turn-line >> nth=2 >> textarea", "And now?")
    page.click("#rows-editor .save")
    page.wait_for_selector("#rows-editor .problem:not(:empty)")
    page.click("#rows-editor .turn-lines > .act")
    page.fill("#rows-editor .turn-line >> nth=3 >> textarea", "Good night.")
    picture(page, "data-edit-turns")
    page.click("#rows-editor .save")
    page.wait_for_selector("#rows-editor .row-form", state="detached")
    (row,) = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert [turn["role"] for turn in row["messages"]] == ["user", "assistant"] * 2


def test_files_of_others_are_edited_as_a_copy(page: Any, studio: Studio) -> None:
    open_rows(page, studio, "magic_conch")
    assert page.locator("#data-rows [data-do=edit]").count() == 0
    page.click("#rows-copy")
    page.wait_for_selector("#data-open h2:has-text('magic_conch-edited')")
    page.wait_for_selector("#data-rows [data-do=edit]")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#data-list [data-do=remove][data-key=magic_conch-edited]")
    page.wait_for_selector("#data-list [data-key=magic_conch-edited]", state="detached")
    assert not (studio.home / "data" / "files" / "magic_conch-edited.json").exists()


def test_a_cleaned_copy_is_one_press_away(page: Any, studio: Studio, tmp_path: Path) -> None:
    rows = [{"instruction": f"Q{n}?", "input": "", "output": "A." if n else ""} for n in range(3)]
    place = tmp_path / "dirty.json"
    place.write_text(json.dumps(rows), encoding="utf-8")
    add(page, studio, place, "dirty")
    page.wait_for_selector("#data-report .note.bad")
    page.click("#data-clean")
    page.click("#data-cleaned [data-do=open][data-key=dirty-clean]")
    page.wait_for_selector("#data-open h2:has-text('dirty-clean')")
    page.wait_for_selector("#data-report .note:not(.bad)")
