"""What users call datasets: paths, registered names, hub ids. And what registries say of them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from conch.config.data import DataConfig
from conch.core.conversation import Document, Feedback, Preference
from conch.core.errors import DataError
from conch.core.text.check import TEXTS as CHECK_TEXTS
from conch.core.text.data import TEXTS as DATA_TEXTS
from conch.data import registry
from conch.data.dataset import HubPlace, anywhere
from conch.data.describe import describe
from conch.data.describe import register as keep
from conch.data.layout import Columns
from conch.data.listing import listed
from conch.data.reading import Opened, open_dataset, read_samples
from conch.data.recipes import read_conversations
from conch.data.sources import BUNDLED, by_place, find_dataset, registered_names
from tests.data.made import (
    ALPACA,
    BY_FORMAT,
    KTO,
    OPENAI,
    PAIRWISE,
    ROW,
    SHAREGPT,
    TEXT,
    as_lines,
    opened,
    said,
    write,
)

ANSWER = {"role": "assistant", "content": "a"}


def error_of(name: str, **config: Any) -> DataError:
    with pytest.raises(DataError) as error:
        read_conversations([name], DataConfig(dataset=(name,), **config))
    assert error.value.hint
    return error.value


def register(folder: Path, entries: Any) -> None:
    write(folder / "dataset_info.json", json.dumps(entries).encode())


def mine(home: Path, entry: dict[str, Any], rows: Any = ALPACA) -> Opened:
    """A dataset of these rows, registered with this description."""
    register(home / "data", {"mine": {"file_name": "a.jsonl", **entry}})
    write(home / "data" / "a.jsonl", rows)
    return open_dataset(find_dataset("mine"))


# paths


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    for path in (
        str(tmp_path / "no.json"),
        "./no.json",
        "no.csv",
        "x" * 300 + ".json",
        "no.foo",
        "./no/where",
    ):
        assert error_of(path).key == "data.no_file"
    assert error_of(str(tmp_path)).key == "data.no_files"
    assert error_of(str(write(tmp_path / "a.foo", b"x"))).key == "data.unknown_format"
    assert error_of("magic_conch", dataset_dir=str(tmp_path / "no")).key == "data.no_dataset_dir"


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"[]", b"\n \n"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.txt"])
def test_a_file_without_rows(tmp_path: Path, name: str, content: bytes) -> None:
    if content != b"[]" or name.startswith("a.json"):
        assert error_of(str(write(tmp_path / name, content))).key == "data.empty"


def test_a_file_by_its_path_needs_no_registry(home: Path, tmp_path: Path) -> None:
    write(home / "data" / "dataset_info.json", b"{")
    assert find_dataset(str(write(tmp_path / "a.json", ALPACA))).name == "a"


def test_paths_mean_the_same_from_any_folder_once_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "here" / "a.json", ALPACA)
    write(tmp_path / "data" / "b.json", ALPACA)
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = [find_dataset(name, "../data") for name in ("a.json", "./a.json", "b.json", "../data", ".")]
    monkeypatch.chdir(tmp_path / "there")
    assert all(len(list(open_dataset(dataset).items())) == 2 for dataset in found)
    with pytest.raises(DataError):
        find_dataset("a.json", "../data")


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = write(tmp_path / "data" / "a.json", ALPACA)
    register(tmp_path / "data", {"mine": {"file_name": "a.json"}, "home": {"file_name": "~/data/a.json"}})
    assert find_dataset("~/data/a.json").file == expected
    assert find_dataset("a.json", "~/data").file == expected
    assert find_dataset("mine", "~/data").file == expected
    assert find_dataset("home", "~/data").file == expected


def test_hub_ids_are_told_from_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_dataset("tatsu-lab/alpaca").hubs == anywhere("tatsu-lab/alpaca")
    assert find_dataset("org/set-v1.5").hubs == anywhere("org/set-v1.5")
    assert by_place("org/set", "en", "test").hubs == anywhere("org/set", "en", "test")
    for path in ("org/set.json", "./org/set", "../org/set", "a/b/c"):
        assert error_of(path).key == "data.no_file"
    write(tmp_path / "org" / "set" / "a.json", ALPACA)
    assert find_dataset("org/set").file == tmp_path / "org" / "set"


# names


def test_names_are_found_in_the_dataset_dir_then_at_home_then_among_ours(tmp_path: Path, home: Path) -> None:
    for folder in (tmp_path / "mine", home / "data"):
        register(folder, {"both": {"file_name": "a.json"}, folder.name: {"file_name": "a.json"}})
        write(folder / "a.json", ALPACA)
    assert find_dataset("both").file == home / "data" / "a.json"
    assert find_dataset("both", str(tmp_path / "mine")).file == tmp_path / "mine" / "a.json"
    assert find_dataset("data", str(tmp_path / "mine")).file == home / "data" / "a.json"
    assert find_dataset("magic_conch", str(tmp_path / "mine")).file == BUNDLED / "magic_conch.json"
    assert registered_names(str(tmp_path / "mine")) == ["both", "data", "magic_conch", "mine"]
    assert registered_names() == ["both", "data", "magic_conch"]


def test_the_usual_folder_is_looked_in_where_none_is_given(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    register(tmp_path / "data", {"mine": {"file_name": "a.json"}})
    write(tmp_path / "data" / "a.json", ALPACA)
    found = find_dataset("mine")
    assert found.file == tmp_path / "data" / "a.json"
    (tmp_path / "other").mkdir()
    with pytest.raises(DataError):
        find_dataset("mine", str(tmp_path / "other"))


def test_an_unknown_name_tells_the_known_ones() -> None:
    error = error_of("magic_conk")
    assert error.key == "data.unknown_name"
    assert "magic_conch" in error.hint
    assert "./magic_conk.json" in error.hint


def test_a_registered_name_may_have_a_dot(home: Path) -> None:
    register(home / "data", {"alpaca_v1.5": {"file_name": "a.json"}})
    assert find_dataset("alpaca_v1.5").file == home / "data" / "a.json"


def test_a_path_in_a_registry_is_relative_to_the_registry(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(home / "data", {"mine": {"file_name": "sub/a.json"}})
    write(home / "data" / "sub" / "a.json", ALPACA)
    monkeypatch.chdir("/")
    assert opened(home / "data" / "sub" / "a.json").files == open_dataset(find_dataset("mine")).files


# descriptions


@pytest.mark.parametrize(
    ("entry", "key", "told"),
    [
        ("a.json", "data.entry_not_object", "mine"),
        ({}, "data.entry_unread", "file_name"),
        ({"file_name": 5}, "data.entry_unread", "file_name"),
        ({"file_name": ""}, "data.entry_unread", "file_name"),
        ({"file_name": "a.json", "columns": ["a"]}, "data.entry_unread", "columns"),
        ({"file_name": "a.json", "columns": {"prompt": 3}}, "data.entry_unread", "columns"),
        ({"file_name": "a.json", "tags": {"role_tag": 3}}, "data.entry_unread", "tags"),
        ({"file_name": "a.json", "num_samples": "ten"}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "num_samples": 0}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "num_samples": True}, "data.entry_unread", "num_samples"),
        ({"file_name": "a.json", "ranking": "yes"}, "data.entry_unread", "ranking"),
        ({"file_name": "a.json", "formatting": "sharegtp"}, "data.entry_unread", "formatting"),
        ({"file_name": "a.json", "split": "test"}, "data.entry_unread", "split"),
        ({"file_name": "a.json", "fromatting": "alpaca"}, "data.unknown_key", "formatting"),
        ({"file_name": "a.json", "columns": {"promt": "a"}}, "data.unknown_key", "columns.promt"),
        ({"file_name": "a.json", "tags": {"role": "a"}}, "data.unknown_key", "tags.role"),
        ({"file_name": "a.json", "columns": {"images": "a"}}, "data.media_later", "images"),
        ({"file_name": "a.json", "script_url": "x"}, "data.script_url", "mine"),
        ({"cloud_file_name": "s3://x"}, "data.cloud_file_name", "mine"),
        ({"om_hub_url": "org/set"}, "data.other_hub", "om_hub_url"),
        ({"file_name": "no.json"}, "data.no_file", "no.json"),
        ({"file_name": "a.json", "folder": "x"}, "data.no_part", "x"),
        ({"file_name": ".", "subset": "../.."}, "data.no_part", ".."),
    ],
)
def test_descriptions_that_cannot_be_used(home: Path, entry: Any, key: str, told: str) -> None:
    register(home / "data", {"mine": entry})
    write(home / "data" / "a.json", ALPACA)
    error = error_of("mine")
    assert error.key == key
    assert told in error.message + error.hint


@pytest.mark.parametrize(
    ("content", "key"),
    [(b"{", "check.not_json"), (b"[]", "data.registry_not_object"), (b"\xff\xfe{\x00", "check.not_utf8")],
)
def test_a_broken_registry_is_named(home: Path, content: bytes, key: str) -> None:
    file = write(home / "data" / "dataset_info.json", content)
    error = error_of("mine")
    assert error.key == key
    assert str(file) in str(error)


def test_columns_that_are_not_named_keep_their_defaults(home: Path) -> None:
    """LLaMA-Factory forgets the defaults of all columns once one is named."""
    row = {"instruction": "q", "input": "i", "answer": "a", "sys": "s"}
    found = mine(home, {"columns": {"response": "answer", "system": "sys"}, "formatting": None}, [row])
    assert found.layout.columns == Columns("instruction", "input", "answer", system="sys")
    (conversation,) = read_conversations(["mine"], DataConfig(dataset=("mine",)))
    assert said(conversation) == [("system", "s"), ("user", "q\ni"), ("assistant", "a")]


def test_a_column_that_is_null_is_none(home: Path) -> None:
    found = mine(home, {"columns": {"query": None}}, [{**ROW, "input": "unread"}])
    assert found.layout.columns.query is None


def test_a_default_steps_back_from_a_column_that_is_named_for_another_part(home: Path) -> None:
    """`firefly` of LLaMA-Factory's own registry: else the prompt would stand there twice."""
    found = mine(
        home, {"columns": {"prompt": "input", "response": "target"}}, [{"input": "q", "target": "a"}]
    )
    assert found.layout.columns == Columns(prompt="input", response="target")
    (conversation,) = read_samples(found, found.format.sample)
    assert said(conversation) == [("user", "q"), ("assistant", "a")]


def test_tags_that_are_not_named_keep_their_defaults(home: Path) -> None:
    """`ultrachat_200k` of LLaMA-Factory's own registry names no system_tag."""
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    columns = {"messages": "messages", "tools": "tools"}
    found = mine(home, {"formatting": "sharegpt", "columns": columns, "tags": tags}, OPENAI)
    first, second = read_samples(found, found.format.sample)
    assert said(first) == [("user", "Hi"), ("assistant", "Ho")]
    assert said(second)[0] == ("system", "Be brief.")


FACTORY = {
    "sharegpt": ({"formatting": "sharegpt"}, SHAREGPT),
    "openai": ({"formatting": "openai", "columns": {"tools": "tools"}}, OPENAI),
    "pairwise": ({"ranking": True}, PAIRWISE),
    "pairwise of question": (
        {"ranking": True, "columns": {"prompt": "question", "chosen": "good", "rejected": "bad"}},
        [{"question": "q", "good": "a", "bad": "b"}],
    ),
    "pairwise of messages": (
        {
            "ranking": True,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        },
        [
            {
                "conversations": [{"from": "human", "value": "q"}],
                "chosen": {"from": "gpt", "value": "a"},
                "rejected": {"from": "gpt", "value": "b"},
            }
        ],
    ),
    "kto": ({"columns": {"kto_tag": "kto_tag"}}, KTO),
    "kto of messages": (
        {"formatting": "openai", "columns": {"messages": "messages", "kto_tag": "label"}},
        [{**OPENAI[0], "label": True}],
    ),
    "text": ({"columns": {"prompt": "text"}}, TEXT),
    "text of content": ({"columns": {"prompt": "content"}, "formatting": "alpaca"}, [{"content": "x"}]),
    "text beside output": ({"columns": {"prompt": "text", "response": None}}, [{"text": "x", "output": "y"}]),
    "alpaca of prompt": ({"columns": {"prompt": "text"}}, [{"text": "q", "output": "a"}]),
}


@pytest.mark.parametrize("case", FACTORY)
def test_llama_factorys_ways_to_describe_a_dataset(home: Path, case: str) -> None:
    entry, rows = FACTORY[case]
    found = mine(home, entry, rows)
    assert found.format.name == case.partition(" ")[0]
    assert found.recognised is None
    assert len(list(read_samples(found, found.format.sample))) == len(rows)


def test_a_hub_comes_before_a_file(home: Path) -> None:
    hub = {"hf_hub_url": "org/set", "ms_hub_url": "x/y", "om_hub_url": "x/z", "file_name": "a.json"}
    asked = {"subset": "en", "split": "test", "folder": "f", "revision": "r"}
    register(home / "data", {"mine": {**hub, **asked}, "plain": {"hf_hub_url": "wiki_qa"}})
    assert find_dataset("mine").hubs == (
        HubPlace("org/set", "en", "test", "f", "r"),
        HubPlace("x/y", "en", "test", "f", "r", "modelscope"),
    )
    assert find_dataset("plain").hubs == (HubPlace("wiki_qa"),)


def test_a_part_of_a_folder_may_be_named(home: Path) -> None:
    write(home / "data" / "set" / "en" / "a.json", ALPACA)
    write(home / "data" / "set" / "zh" / "b.json", ALPACA[:1])
    register(home / "data", {"mine": {"file_name": "set", "subset": "zh"}, "all": {"file_name": "set"}})
    assert len(read_conversations(["mine"], DataConfig())) == 1
    assert len(read_conversations(["all"], DataConfig())) == 3


@pytest.mark.parametrize(
    ("given", "bound", "expected"), [(3, None, 3), (None, 2, 2), (3, 2, 2), (2, 3, 2), (9, 9, 5)]
)
def test_rows_are_bounded_by_the_description_and_by_the_config(
    home: Path, given: int | None, bound: int | None, expected: int
) -> None:
    mine(home, {"num_samples": given}, [ROW] * 5)
    config = DataConfig(dataset=("mine", "mine"), max_samples=bound)
    assert len(read_conversations(config.dataset, config)) == 2 * expected


# kinds of samples


def test_a_short_corpus_is_not_dropped(tmp_path: Path) -> None:
    """LLaMA-Factory's packing drops a corpus that is shorter than a block."""
    file = write(tmp_path / "a.txt", b"one short line")
    (document,) = read_samples(opened(file), Document)
    assert document == Document("one short line", document.origin)


def test_a_dataset_of_another_kind_than_its_stage_is_refused(tmp_path: Path) -> None:
    for format, stage in (("pairwise", "dpo"), ("kto", "kto"), ("text", "pt")):
        error = error_of(str(write(tmp_path / f"{format}.jsonl", BY_FORMAT[format])))
        assert error.key == "data.other_kind"
        assert f"stage: {stage}" in error.hint
    with pytest.raises(DataError) as caught:
        list(read_samples(opened(write(tmp_path / "a.jsonl", ALPACA)), Document))
    assert caught.value.key == "data.other_kind"


def test_pairs_and_feedback_are_read(tmp_path: Path) -> None:
    pairs = opened(write(tmp_path / "p.jsonl", PAIRWISE))
    assert [pair.rejected.content for pair in read_samples(pairs, Preference)] == ["A model.", "I have none."]
    liked = opened(write(tmp_path / "k.jsonl", KTO))
    assert [feedback.liked for feedback in read_samples(liked, Feedback)] == [True, False]


# the user's own registry


@pytest.mark.parametrize("format", BY_FORMAT)
def test_what_is_added_reads_as_it_did_by_its_path(tmp_path: Path, home: Path, format: str) -> None:
    file = write(tmp_path / "a.jsonl", BY_FORMAT[format])
    keep("mine", describe(find_dataset(str(file))))
    entry = registry.descriptions(home / "data")["mine"]
    assert entry["file_name"] == str(file)
    by_path, by_name = opened(file), open_dataset(find_dataset("mine"))
    assert by_name.format.name == format
    samples = [list(read_samples(o, o.format.sample)) for o in (by_path, by_name)]
    assert samples[0] == samples[1]
    told = describe(find_dataset(str(file)), format)
    assert told == entry, "saying what is recognised changes nothing"


@pytest.mark.parametrize(
    ("row", "format", "columns", "expected"),
    [
        ({"q": "a", "a": "b"}, None, {"prompt": "q", "response": "a"}, "alpaca"),
        ({"q": "a", "a": "b", "text": "c"}, None, {"prompt": "q", "response": "a"}, "alpaca"),
        ({"body": "a"}, "text", {"prompt": "body"}, "text"),
        (
            {"q": "x", "good": "a", "bad": "b"},
            None,
            {"prompt": "q", "chosen": "good", "rejected": "bad"},
            "pairwise",
        ),
        ({"talk": OPENAI[0]["messages"]}, None, {"messages": "talk"}, "openai"),
        ({"talk": SHAREGPT[0]["conversations"]}, None, {"messages": "talk"}, "sharegpt"),
        ({"q": "x", "a": "b", "ok": True}, None, {"prompt": "q", "response": "a", "kto_tag": "ok"}, "kto"),
        ({**ROW, **OPENAI[0]}, "openai", {}, "openai"),
        ({"instruction": "q", "response": "a", "answer": "b"}, None, {"response": "answer"}, "alpaca"),
        (
            {"prompt": "q", "completion": [{"role": "assistant", "content": "a"}], "label": True},
            None,
            {},
            "kto",
        ),
    ],
)
def test_what_a_user_says_beats_what_is_recognised(
    tmp_path: Path, row: dict[str, Any], format: str | None, columns: dict[str, str], expected: str
) -> None:
    file = write(tmp_path / "a.jsonl", [row])
    description = describe(find_dataset(str(file)), format, columns)
    assert columns.items() <= description["columns"].items()
    keep("mine", description)
    found = open_dataset(find_dataset("mine"))
    assert found.format.name == expected
    (sample,) = read_samples(found, found.format.sample)
    assert sample.origin


def test_a_part_can_be_left_out(tmp_path: Path) -> None:
    """A column that only looks like one of tools, say."""
    file = write(tmp_path / "a.jsonl", [{**ROW, "tools": "a hammer"}])
    assert opened(file).layout.columns.tools == "tools"
    keep("mine", describe(find_dataset(str(file)), None, {"tools": ""}))
    assert len(read_conversations(["mine"], DataConfig())) == 1


def test_what_cannot_be_added(tmp_path: Path) -> None:
    dataset = find_dataset(str(write(tmp_path / "a.jsonl", ALPACA)))
    for format, columns, key in (
        (None, {"prompt": "no"}, "data.no_such_column"),
        ("openai", {}, "data.not_of_format"),
    ):
        with pytest.raises(DataError) as error:
            describe(dataset, format, columns)
        assert error.value.key == key
        assert error.value.hint
    for name in ("", "a/b", "a,b", "a b", "a.json", "a.zip"):
        with pytest.raises(DataError) as error:
            keep(name, {})
        assert error.value.key == "data.bad_name"
    keep("mine", describe(dataset))
    for name in ("mine", "magic_conch"):
        with pytest.raises(DataError) as error:
            keep(name, describe(dataset))
        assert error.value.key == "data.name_taken"
        assert "--name" in error.value.hint


def test_removing_forgets_the_name_and_keeps_the_file(tmp_path: Path, home: Path) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    keep("mine", describe(find_dataset(str(file))))
    registry.remove("mine")
    assert file.is_file()
    assert registered_names() == ["magic_conch"]
    for name in ("mine", "magic_conch"):
        with pytest.raises(DataError) as error:
            registry.remove(name)
        assert error.value.key == "data.not_registered"


def test_two_at_once_lose_nothing(home: Path) -> None:
    def add(part: int) -> None:
        for number in range(10):
            keep(f"set{part}-{number}", {"file_name": "a.json"})

    threads = [threading.Thread(target=add, args=(part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.descriptions(home / "data")) == 30


def test_a_registry_that_cannot_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(registry, "_PATIENCE", 0.01)
    (home / "data").mkdir(parents=True)
    with FileLock(home / "data" / ".dataset_info.json.lock"), pytest.raises(DataError) as error:
        keep("mine", {"file_name": "a.json"})
    assert error.value.key == "data.registry_unwritable"
    (home / "data" / ".dataset_info.json.lock").unlink(missing_ok=True)
    (home / "data").rmdir()
    write(home / "data", b"a file")
    with pytest.raises(DataError) as error:
        keep("mine", {"file_name": "a.json"})
    assert error.value.key == "data.registry_unwritable"


def test_the_list_shows_what_is_wrong_and_goes_on(home: Path, tmp_path: Path) -> None:
    write(home / "data" / "good.jsonl", ALPACA)
    write(home / "data" / "half.jsonl", as_lines(ALPACA) + b"broken\n")
    entries = {
        "good": {"file_name": "good.jsonl"},
        "half": {"file_name": "half.jsonl"},
        "gone": {"file_name": "gone.json"},
        "wrong": {"file_name": 3},
        "text": "x",
        "hub": {"hf_hub_url": "org/set", "formatting": "sharegpt"},
    }
    register(home / "data", entries)
    found = {entry.name: entry for entry in listed(None)}
    assert set(found) == {*entries, "magic_conch"}
    assert (found["good"].format, found["good"].rows, found["good"].problem) == ("alpaca", 2, "")
    assert found["half"].rows == 2
    assert found["gone"].file == str(home / "data" / "gone.json")
    assert "gone.json" in found["gone"].problem
    assert all(found[name].problem and found[name].rows is None for name in ("gone", "wrong", "text"))
    assert (found["hub"].format, found["hub"].file) == ("sharegpt", "hf://datasets/org/set")


def test_rows_of_large_files_are_not_counted_by_reading(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from conch.data import listing
    from tests.data.made import as_parquet

    monkeypatch.setattr(listing, "COUNTED", 10)
    write(home / "data" / "a.jsonl", ALPACA)
    write(home / "data" / "b.parquet", as_parquet(ALPACA))
    register(home / "data", {"a": {"file_name": "a.jsonl"}, "b": {"file_name": "b.parquet"}})
    found = {entry.name: entry.rows for entry in listed(None)}
    assert (found["a"], found["b"]) == (None, 2)

    def refuse(*_: object) -> None:
        raise ValueError("no footer")

    monkeypatch.setattr("conch.data.readers.parquet.ParquetReader.count", refuse)
    problems = {entry.name: entry.problem for entry in listed(None)}
    assert "no footer" in problems["b"]


def test_every_error_about_data_is_raised_by_a_test() -> None:
    tests = Path(__file__).parents[1]
    here = "".join(path.read_text(encoding="utf-8") for path in tests.rglob("test_*.py"))
    errors = {key.removesuffix(".fix") for key in (*DATA_TEXTS, *CHECK_TEXTS) if key.endswith(".fix")}
    rules = {key: key.removeprefix("check.") for key in errors}
    assert [key for key, rule in rules.items() if f'"{key}"' not in here and f'"{rule}"' not in here] == []
