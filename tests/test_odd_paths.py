"""Names that no file can have, given where a path may stand: each is told as one that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import conch
from conch.core.files import exists, expanded, is_dir, is_file
from conch.models.locate import is_hub_id
from conch.models.pairing import strangers
from tests.cli.program import call
from tests.data.made import ALPACA, write

NOBODY = "~nobody-of-this-name/x"
LONG = "x" * 300


def test_a_folder_of_nobody_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/a") == tmp_path / "a"
    assert expanded(Path("a/~b")) == Path("a/~b")
    assert expanded(NOBODY) == Path(NOBODY)


def test_names_that_no_disk_takes_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for asks, place in ((exists, tmp_path / "file"), (is_file, tmp_path / "file"), (is_dir, tmp_path)):
        assert asks(place)
        assert not asks(tmp_path / LONG)
        assert not asks(tmp_path / "none")


def test_nothing_else_expands_a_path() -> None:
    source = Path(conch.__file__).parent
    called = re.compile(r"\.expanduser\(")
    users = [file for file in source.rglob("*.py") if called.search(file.read_text(encoding="utf-8"))]
    assert users == [source / "core" / "files.py"]


@pytest.mark.parametrize("name", [NOBODY, LONG])
@pytest.mark.parametrize(
    "words",
    [
        ["data", "check", "{}.json"],
        ["data", "add", "{}.json"],
        ["data", "list", "--dataset-dir", "{}"],
        ["models", "info", "{}"],
        ["models", "remove", "{}"],
        ["chat", "{}", "-p", "Hi"],
        ["runs", "show", "{}"],
        ["runs", "compare", "{}", "{}"],
        ["export", "{}", "--to", "out"],
        ["train", "{}.yaml"],
        ["train", "dataset=magic_conch", "model_name_or_path={}", "--dry-run"],
    ],
    ids=lambda words: " ".join(words),
)
def test_commands_say_that_there_is_no_such_thing(words: list[str], name: str) -> None:
    done = call(*(word.format(name) for word in words))
    assert done.code in {1, 2}
    assert name in done.err
    assert "Traceback" not in done.all


@pytest.mark.parametrize("name", [NOBODY, LONG])
def test_a_template_that_is_not_there(name: str, tmp_path: Path) -> None:
    rows = write(tmp_path / "a.jsonl", ALPACA)
    done = call("data", "preview", str(rows), "--model", "-", "--template", f"{name}.jinja")
    assert done.code in {1, 2}
    assert "Traceback" not in done.all


@pytest.mark.parametrize("name", [NOBODY, LONG])
def test_an_adapter_whose_base_is_nowhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": name}))
    done = call("models", "info", str(tmp_path))
    assert done.code == 1
    assert name in done.err
    (found,) = strangers(tmp_path, (), (tmp_path,))
    assert found.key == "models.adapter_stranger"


def test_a_long_name_may_be_one_of_a_hub() -> None:
    assert is_hub_id(f"org/{LONG}")
