"""Dataset files and registries: what is read, and what is said about what can't be."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conch.config.data import DataConfig
from conch.core.errors import ConchError, DataError
from conch.core.text.data import TEXTS
from conch.data.prepare import prepare, read_conversations
from conch.data.sources import BUNDLED, Columns, find_dataset, read_rows, registered_names
from conch.data.template import ChatTemplate
from tests.tiny import tiny_tokenizer

ROW = {"instruction": "Who are you?", "input": "", "output": "The conch."}
Case = tuple[str, str | bytes, dict[str, Any]]


def array(*rows: Any) -> str:
    return json.dumps(rows, ensure_ascii=False)


def error_of(name: str, **config: Any) -> DataError:
    with pytest.raises(DataError) as error:
        read_conversations([name], DataConfig(dataset=(name,), **config))
    return error.value


def register(folder: Path, entries: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset_info.json").write_text(json.dumps(entries), encoding="utf-8")


DEEP = "[" * 100_000
LONG = "9" * 5_000
FILES: dict[str, tuple[str, str | bytes, str, dict[str, Any]]] = {
    "empty": ("a.json", "", "data.empty", {}),
    "blank": ("a.json", " \n\t\n", "data.empty", {}),
    "empty array": ("a.json", "[]", "data.empty", {}),
    "blank lines": ("a.jsonl", "\n \n", "data.empty", {}),
    "not an array": ("a.json", json.dumps(ROW), "data.not_array", {"found": "object"}),
    "a number": ("a.json", "3", "data.not_array", {"found": "number"}),
    "nothing": ("a.json", "null", "data.not_array", {"found": "null"}),
    "cut short": (
        "a.json",
        '[\n{"instruction": "a",\n"output": ',
        "data.not_json",
        {"line": 3, "column": 11},
    ),
    "no comma": ("a.json", '[\n{"a": 1}\n{"b": 2}]', "data.not_json", {"line": 3, "column": 1}),
    "python": ("a.json", "[{'a': 1}]", "data.not_json", {"line": 1, "column": 3}),
    "nested too deeply": ("a.json", DEEP, "data.not_json", {}),
    "line nested too deeply": ("a.jsonl", f'{json.dumps(ROW)}\n{{"a": {DEEP}', "data.not_json", {"line": 2}),
    "too long a number": ("a.json", f'[{{"a": {LONG}}}]', "data.not_json", {}),
    "too long a number in a line": ("a.jsonl", f'{{"a": {LONG}}}', "data.not_json", {"line": 1}),
    "bad line": ("a.jsonl", f'{json.dumps(ROW)}\n\n{{"a": }}\n', "data.not_json", {"line": 3, "column": 7}),
    "bad line under .json": ("a.json", f"{json.dumps(ROW)}\n{{\n", "data.not_json", {"line": 2}),
    "row is text": ("a.json", array(ROW, "text"), "data.row_not_object", {"row": 2, "found": "string"}),
    "row is a list": ("a.json", array([1]), "data.row_not_object", {"row": 1, "found": "array"}),
    "row is nothing": (
        "a.jsonl",
        f"{json.dumps(ROW)}\nnull\n",
        "data.row_not_object",
        {"row": 2, "found": "null"},
    ),
    "row is a switch": ("a.jsonl", "true\n", "data.row_not_object", {"row": 1, "found": "boolean"}),
    "GBK": ("a.json", array(ROW, {**ROW, "output": "海螺"}).encode("gbk"), "data.not_utf8", {"guess": "GBK"}),
    "GBK line": (
        "a.jsonl",
        b"{}\n" + json.dumps({"a": "海"}, ensure_ascii=False).encode("gbk"),
        "data.not_utf8",
        {"line": 2},
    ),
    "UTF-16": ("a.json", array(ROW).encode("utf-16"), "data.not_utf8", {"guess": "UTF-16", "line": 1}),
    "latin": ("a.json", b'["caf\xe9"]', "data.not_utf8", {"guess": "latin-1"}),
    "no column": (
        "a.json",
        array(ROW, {"question": "a", "output": "b"}),
        "data.no_column",
        {"row": 2, "column": "instruction", "columns": "question, output"},
    ),
    "nothing in a column": ("a.json", array({**ROW, "output": None}), "data.no_column", {"column": "output"}),
    "row of nothing": ("a.json", "[{}]", "data.no_column", {"columns": "-"}),
    "blank question": (
        "a.json",
        array({**ROW, "instruction": " \n"}),
        "data.blank",
        {"column": "instruction"},
    ),
    "blank answer": (
        "a.json",
        array(ROW, {**ROW, "output": ""}),
        "data.blank",
        {"row": 2, "column": "output"},
    ),
    "number": (
        "a.json",
        array({**ROW, "output": 3}),
        "data.not_text",
        {"column": "output", "found": "number"},
    ),
    "list": (
        "a.json",
        array({**ROW, "input": ["a"]}),
        "data.not_text",
        {"column": "input", "found": "array"},
    ),
    "switch": ("a.json", array({**ROW, "output": True}), "data.not_text", {"found": "boolean"}),
    "half a letter": (
        "a.json",
        '[{"instruction": "a", "output": "\\ud83d"}]',
        "data.half_letter",
        {"row": 1, "column": "output", "half": "\\ud83d"},
    ),
    "csv": ("a.csv", "a,b\n", "data.unknown_format", {"formats": ".json, .jsonl"}),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_cannot_be_used(tmp_path: Path, case: str) -> None:
    name, content, key, values = FILES[case]
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = error_of(str(file))
    assert error.key == key
    assert {name: error.values.get(name) for name in values} == values
    assert str(file) in error.message
    assert error.hint
    assert "{" not in error.hint.replace('{"', "")


def test_the_place_is_told_in_the_words_of_the_message(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('[\n{"a": 1}\n{"b": 2}]')
    assert f"{file} line 3 column 1" in str(error_of(str(file)))


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    assert error_of(str(tmp_path / "no.json")).key == "data.no_file"
    assert error_of("./no.json").key == "data.no_file"
    assert error_of("no.csv").key == "data.no_file"
    assert error_of("x" * 300 + ".json").key == "data.no_file"
    assert error_of(str(tmp_path)).key == "data.is_folder"
    assert error_of("magic_conch", dataset_dir=str(tmp_path / "no")).key == "data.no_dataset_dir"


def test_a_file_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text("[]")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    error = error_of(str(tmp_path / "a.json"))
    assert error.key == "data.unreadable"
    assert "Permission denied" in str(error)


# what is read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", array(ROW, ROW)),
        ("a.json", "\ufeff" + array(ROW, ROW)),
        ("a.json", json.dumps([ROW, ROW], indent=2)),
        ("a.json", f"{json.dumps(ROW)}\n{json.dumps(ROW)}"),
        ("a.json", f"\n{json.dumps(ROW)}\r\n{json.dumps(ROW)}\r\n"),
        ("a.jsonl", f"{json.dumps(ROW)}\n{json.dumps(ROW)}\n"),
        ("a.jsonl", f"\ufeff{json.dumps(ROW)}\n\n{json.dumps(ROW)}"),
        ("a.jsonl", json.dumps([ROW, ROW], indent=2)),
    ],
)
def test_json_arrays_and_json_lines_under_either_name(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert [row.values for row in read_rows(tmp_path / name)] == [ROW, ROW]


@pytest.mark.parametrize("letter", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_letters_that_look_like_line_ends_stay_inside_their_line(tmp_path: Path, letter: str) -> None:
    row = {**ROW, "output": f"one{letter}two"}
    lines = "\n".join(json.dumps(r, ensure_ascii=False) for r in (row, row))
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8", newline="")
    assert [row.values["output"] for row in read_rows(tmp_path / "a.jsonl")] == [f"one{letter}two"] * 2


def test_rows_of_json_lines_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f"\n{json.dumps(ROW)}\n\n{json.dumps(ROW)}\n")
    assert [row.number for row in read_rows(tmp_path / "a.jsonl")] == [2, 4]


# registries


def test_names_are_found_in_the_dataset_dir_then_at_home_then_among_ours(tmp_path: Path, home: Path) -> None:
    for folder, answer in ((tmp_path / "mine", "mine"), (home / "data", "home")):
        register(folder, {"both": {"file_name": "a.json"}, folder.name: {"file_name": "a.json"}})
        (folder / "a.json").write_text(array({**ROW, "output": answer}))
    assert find_dataset("both").file == home / "data" / "a.json"
    assert find_dataset("both", str(tmp_path / "mine")).file == tmp_path / "mine" / "a.json"
    assert find_dataset("data", str(tmp_path / "mine")).file == home / "data" / "a.json"
    assert find_dataset("magic_conch", str(tmp_path / "mine")).file == BUNDLED / "magic_conch.json"
    assert registered_names(str(tmp_path / "mine")) == ["both", "data", "magic_conch", "mine"]
    assert registered_names() == ["both", "data", "magic_conch"]


def test_an_unknown_name_tells_the_known_ones() -> None:
    error = error_of("magic_conk")
    assert error.key == "data.unknown_name"
    assert "magic_conch" in error.hint
    assert "./magic_conk.json" in error.hint


def test_a_registered_name_may_have_a_dot(home: Path) -> None:
    register(home / "data", {"alpaca_v1.5": {"file_name": "a.json"}})
    (home / "data" / "a.json").write_text(array(ROW))
    assert find_dataset("alpaca_v1.5").file == home / "data" / "a.json"


@pytest.mark.parametrize(
    ("entry", "key", "told"),
    [
        ("a.json", "data.entry_not_object", "mine"),
        ({}, "data.entry_unread", "file_name"),
        ({"hf_hub_url": "a/b"}, "data.entry_unread", "hf_hub_url"),
        ({"script_url": "x", "file_name": "a.json"}, "data.entry_unread", "script_url"),
        ({"file_name": 5}, "data.entry_unread", "file_name"),
        ({"file_name": ""}, "data.entry_unread", "file_name"),
        ({"file_name": "a.json", "columns": ["a"]}, "data.entry_unread", "columns"),
        ({"file_name": "a.json", "columns": {"prompt": 3}}, "data.entry_unread", "columns"),
        ({"file_name": "a.json", "num_samples": "ten"}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "num_samples": 0}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "num_samples": True}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "columns": {"chosen": "a"}}, "data.columns_unread", "chosen"),
        ({"file_name": "a.json", "formatting": "sharegpt"}, "data.formatting_later", "sharegpt"),
        ({"file_name": "a.json", "ranking": True}, "data.formatting_later", "ranking"),
        ({"file_name": "no.json"}, "data.no_file", "no.json"),
        ({"file_name": "a.csv"}, "data.no_file", "a.csv"),
    ],
)
def test_descriptions_that_cannot_be_used(home: Path, entry: Any, key: str, told: str) -> None:
    register(home / "data", {"mine": entry})
    (home / "data" / "a.json").write_text(array(ROW))
    error = error_of("mine")
    assert error.key == key
    assert told in str(error)
    assert error.hint


@pytest.mark.parametrize(
    ("content", "key"),
    [("{", "data.not_json"), ("[]", "data.registry_not_object"), (b"\xff\xfe{\x00", "data.not_utf8")],
)
def test_a_broken_registry_is_named(home: Path, content: str | bytes, key: str) -> None:
    (home / "data").mkdir(parents=True)
    file = home / "data" / "dataset_info.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    error = error_of("mine")
    assert error.key == key
    assert str(file) in str(error)


def test_a_file_by_its_path_needs_no_registry(home: Path, tmp_path: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "dataset_info.json").write_text("{")
    (tmp_path / "a.json").write_text(array(ROW))
    assert find_dataset(str(tmp_path / "a.json")).name == "a"


def test_columns_that_are_not_named_keep_their_defaults(home: Path) -> None:
    columns = {"response": "answer", "system": "sys", "query": None}
    register(home / "data", {"mine": {"file_name": "a.json", "columns": columns, "formatting": None}})
    (home / "data" / "a.json").write_text(
        array({"instruction": "q", "input": "i", "answer": "a", "sys": "s"})
    )
    assert find_dataset("mine").columns == Columns("instruction", "input", "answer", "sys", None)
    (conversation,) = read_conversations(["mine"], DataConfig(dataset=("mine",)))
    assert [(m.role, m.content) for m in conversation.messages] == [
        ("system", "s"),
        ("user", "q\ni"),
        ("assistant", "a"),
    ]


@pytest.mark.parametrize(
    ("given", "bound", "expected"), [(3, None, 3), (None, 2, 2), (3, 2, 2), (2, 3, 2), (9, 9, 5)]
)
def test_rows_are_bounded_by_the_description_and_by_the_config(
    home: Path, given: int | None, bound: int | None, expected: int
) -> None:
    register(home / "data", {"mine": {"file_name": "a.json", "num_samples": given}})
    (home / "data" / "a.json").write_text(array(*[ROW] * 5))
    config = DataConfig(dataset=("mine", "mine"), max_samples=bound)
    assert len(read_conversations(config.dataset, config)) == 2 * expected


# where relative paths lead


def test_paths_mean_the_same_from_any_folder_once_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("here", "there", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "here" / "a.json").write_text(array(ROW))
    (tmp_path / "data" / "b.json").write_text(array(ROW))
    monkeypatch.chdir(tmp_path / "here")
    found = [find_dataset(name, "../data") for name in ("a.json", "./a.json", "b.json", "../data/b.json")]
    monkeypatch.chdir(tmp_path / "there")
    assert all(dataset.file.is_absolute() for dataset in found)
    assert all(len(list(read_rows(dataset.file))) == 1 for dataset in found)
    with pytest.raises(DataError):
        find_dataset("a.json", "../data")


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.json").write_text(array(ROW))
    register(tmp_path / "data", {"mine": {"file_name": "a.json"}})
    expected = tmp_path / "data" / "a.json"
    assert find_dataset("~/data/a.json").file == expected
    assert find_dataset("a.json", "~/data").file == expected
    assert find_dataset("mine", "~/data").file == expected


def test_a_path_in_a_registry_is_relative_to_the_registry(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(home / "data", {"mine": {"file_name": "sub/a.json"}})
    (home / "data" / "sub").mkdir()
    (home / "data" / "sub" / "a.json").write_text(array(ROW))
    monkeypatch.chdir("/")
    assert find_dataset("mine").file == home / "data" / "sub" / "a.json"


# damaged files


def test_three_hundred_damaged_files_end_in_examples_or_in_our_error(tmp_path: Path) -> None:
    chance = random.Random(11)
    template = ChatTemplate.of(tiny_tokenizer())
    rows = [{**ROW, "output": "海螺 \U0001f41a", "history": [["a", "b"]]}, ROW]
    whole = [
        ("a.json", json.dumps(rows, ensure_ascii=False)),
        ("a.json", json.dumps(rows, indent=1)),
        ("a.jsonl", "\n".join(json.dumps(row) for row in rows)),
    ]
    alphabet = b'{}[]:,"\n\t \\u0019eEnula-.\x00\xff\xe6\xd8/'
    read = 0
    for number in range(300):
        name, text = whole[number % len(whole)]
        data = bytearray(text.encode())
        for _ in range(chance.randint(1, 2)):
            place = chance.randrange(len(data))
            more = bytes(chance.choices(alphabet, k=chance.randint(0, 2)))
            data[place : place + chance.randint(0, 2)] = more
        (tmp_path / name).write_bytes(data)
        config = DataConfig(dataset=(str(tmp_path / name),))
        with suppress(ConchError):
            prepared = prepare(config, template, seed=0)
            assert prepared.train
            read += 1
    assert 30 <= read <= 270, "both ends are reached"


def test_every_error_about_data_is_raised_by_a_test() -> None:
    here = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    errors = {key.removesuffix(".fix") for key in TEXTS if key.endswith(".fix")}
    assert {key for key in errors if f'"{key}"' not in here} == set()
