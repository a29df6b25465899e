"""Version, options, and the small helpers of output."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch import __version__
from conch.cli.curve import draw
from conch.cli.output import CLOSED_PIPE, complain, duration, plain, size
from conch.core.text import set_language
from tests.cli.program import call, spawn
from tests.properties import quick


def test_version_for_people_and_for_programs() -> None:
    assert call("version").out == f"conch {__version__}\n"
    assert spawn("version", "--json").json() == {"version": __version__}


# conch options train


@pytest.fixture(params=["en", "zh"])
def schema(request: pytest.FixtureRequest) -> Any:
    return call("options", "train", "--json", language=request.param).json()


TYPES = {"array", "boolean", "integer", "null", "number", "object", "string"}
WORDS = {
    *("type", "enum", "const", "default", "items", "prefixItems", "anyOf", "description", "x-group"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "minItems", "maxItems"),
    *("properties", "additionalProperties"),
}
"""Keywords of draft 2020-12 that our schema uses, and our own `x-group`."""


def check_schema(schema: Any, path: str) -> None:
    """The shape that draft 2020-12 gives a schema."""
    if isinstance(schema, bool):
        return
    assert set(schema) <= WORDS, path
    kinds = schema.get("type", [])
    assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES, path
    assert schema.get("enum", [None]), path
    for number, part in enumerate(schema.get("anyOf", [])):
        check_schema(part, f"{path}/anyOf/{number}")
    if "items" in schema:
        check_schema(schema["items"], f"{path}/items")
    for bound in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        assert isinstance(schema.get(bound, 0), (int, float)), path


def test_options_are_a_json_schema_of_every_key(schema: Any) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) <= set(schema["properties"])
    assert len(schema["properties"]) > 100
    for key, entry in schema["properties"].items():
        check_schema(entry, key)


def test_every_key_is_described(schema: Any) -> None:
    for key, entry in schema["properties"].items():
        assert len(entry["description"]) >= 4, key
        assert entry["x-group"], key


def test_defaults_fit_their_own_types(schema: Any) -> None:
    kinds = {
        bool: "boolean",
        int: "integer",
        float: "number",
        str: "string",
        list: "array",
        type(None): "null",
    }
    for key, entry in schema["properties"].items():
        if "default" in entry:
            parts = entry.get("anyOf", [entry])
            allowed = {part.get("type") for part in parts} | {
                "null" if None in part.get("enum", []) else "" for part in parts
            }
            allowed |= {"integer"} if "number" in allowed else set()
            found = kinds[type(entry["default"])]
            assert found in allowed or any(entry["default"] in part.get("enum", []) for part in parts), key


@pytest.mark.parametrize("language", ["en", "zh"])
def test_options_for_people_name_every_key(language: str, schema: Any) -> None:
    told = call("options", "train", language=language)
    assert told.code == 0
    assert all(f"  {key} (" in told.out for key in schema["properties"])


# curve

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200)


@quick
@given(values=values, width=st.integers(1, 80), height=st.integers(2, 12))
def test_a_curve_has_the_lines_and_columns_asked_for(values: list[float], width: int, height: int) -> None:
    lines = draw(values, width, height)
    assert len(lines) == height
    columns = {len(line.partition("│")[2]) for line in lines}
    assert columns == {min(width, len(values))}


@quick
@given(value=st.floats(-1e6, 1e6), count=st.integers(1, 100))
def test_a_constant_curve_is_drawn(value: float, count: int) -> None:
    assert len(draw([value] * count)) == 7


def test_a_curve_goes_from_high_to_low() -> None:
    lines = draw([4.0, 3.0, 2.0, 1.0], height=4)
    filled = [sum(line.partition("│")[2][i] != " " for line in lines) for i in range(4)]
    assert filled == sorted(filled, reverse=True)
    assert "4.00" in lines[0]
    assert "1.00" in lines[-1]


# duration and size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (0, "0:00"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (61, "1:01"),
        (3600, "1:00:00"),
        (90061, "25:01:01"),
    ],
)
def test_duration(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (92_871_040, "93 MB"),
        (1_500_000_000, "1.50 GB"),
        (2e13, "20000.00 GB"),
    ],
)
def test_size(count: float, said: str) -> None:
    assert size(count) == said


@quick
@given(seconds=st.floats(0, 1e7))
def test_a_duration_can_be_read_back(seconds: float) -> None:
    parts = [int(part) for part in duration(seconds).split(":")]
    assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == round(seconds)


# errors that are not ours


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unexpected_error_is_one_line_with_a_way_on(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_language(language)
    assert complain(ValueError("first\nsecond"), as_json=False) == 1
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "first" in told
    assert "second" not in told
    assert "--debug" in told


def test_an_unexpected_error_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(ValueError("odd"), as_json=True) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "ValueError"
    assert error["hint"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses_is_named(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(OSError(code, os.strerror(code), "/full/file"), as_json=False) == 1
    told = capsys.readouterr().err
    assert f"/full/file can't be written or read: {os.strerror(code)}." in told
    assert "conch doctor" in told


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 1), (SystemExit(3), 3)])
def test_other_ends(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert complain(error, as_json=False) == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("train", "--help"),
        ("options", "train"),
        ("options", "train", "--json"),
        ("runs", "--help"),
    ],
)
def test_a_reader_who_goes_away_is_no_error(words: tuple[str, ...], home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "conch.cli", *words], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode in (0, CLOSED_PIPE)


# --debug


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--debug", "runs", "show", "nothing"), 1),
        (("runs", "show", "nothing", "--debug"), 1),
        (("runs", "--debug", "show", "nothing"), 1),
        (("--debug", "runs", "lst"), 2),
        (("train", "lora_rnak=1", "--debug"), 2),
        (("train", "--debug", "lora_rnak=1"), 2),
    ],
)
def test_debug_shows_the_traceback_and_changes_nothing_else(words: tuple[str, ...], code: int) -> None:
    plainly = call(*[word for word in words if word != "--debug"])
    debugged = call(*words)
    assert (plainly.code, debugged.code) == (code, code)
    assert "Traceback" not in plainly.err
    assert debugged.err.startswith("Traceback")
    assert debugged.err.endswith(plainly.err)


def test_debug_keeps_standard_output_one_document() -> None:
    ended = call("runs", "show", "nothing", "--debug", "--json")
    assert ended.json()["error"]["kind"] == "RunError"
    assert "Traceback" in ended.err


@pytest.mark.parametrize("words", [("runs", "show", "--", "--debug"), ("train", "--run_name=--debug", "a=1")])
def test_debug_is_an_option_only_where_it_stands_as_one(words: tuple[str, ...]) -> None:
    ended = call(*words)
    assert ended.code in (1, 2)
    assert "Traceback" not in ended.err


def test_a_value_may_be_called_debug(tiny_folder: Path) -> None:
    ended = call("chat", str(tiny_folder), "-p", "--debug", "--max-new-tokens", "2", "--json")
    assert ended.json()["prompt"] == "--debug"


# what is no model


@pytest.mark.parametrize(
    "words",
    [("chat", ""), ("chat", "", "-p", "x", "--json"), ("export", "", "--to", "d")],
    ids=" ".join,
)
def test_nothing_is_no_model(words: tuple[str, ...]) -> None:
    ended = call(*words)
    assert ended.code == 2
    assert "unexpectedly" not in ended.all
    assert "= ''" in ended.all
    assert "required" in ended.all


def test_nothing_is_nothing_to_serve() -> None:
    ended = call("serve", "")
    assert (ended.code, "unexpectedly" in ended.all) == (2, False)
    assert "nothing to serve" in ended.all
    assert "Name a model" in ended.all


def test_a_temperature_is_a_number() -> None:
    ended = call("chat", "x", "-p", "x", "--temperature", "nan")
    assert ended.code == 2
    assert "temperature" in ended.err


def test_warnings_about_an_export_are_told(tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    file.write_text(f"model_name_or_path: ./gone\nexport_dir: {tmp_path}/x\nexport_legacy_format: true\n")
    ended = call("export", str(file))
    assert ended.code == 1
    assert "Note: export_legacy_format (export.yaml line 3) has no effect here" in ended.err


@pytest.mark.parametrize(
    ("value", "said"), [(None, "null"), (True, "true"), (["a", False], "a,false"), (0.1, "0.1"), ("x", "x")]
)
def test_a_value_is_shown_as_a_file_writes_it(value: object, said: str) -> None:
    assert plain(value) == said
