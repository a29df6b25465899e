"""`conch data …` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conch.cli.data import _roles
from conch.cli.data_report import bar
from conch.core.errors import UsageError
from tests.cli.program import Ended, call
from tests.data.made import ALPACA, BY_FORMAT, OTHER, ROW, SHAREGPT, as_lines, write

BAD = {**ROW, "output": ""}


def told(ended: Ended, code: int = 0) -> Ended:
    assert ended.code == code, ended.all
    assert "Traceback" not in ended.all
    return ended


# list, add, remove


def test_a_dataset_is_added_listed_used_and_removed(tmp_path: Path) -> None:
    file = write(tmp_path / "talk.jsonl", SHAREGPT)
    added = told(call("data", "add", str(file)))
    assert "dataset: talk" in added.out
    entries = {entry["name"]: entry for entry in told(call("data", "list", "--json")).json()}
    shown = {"name": "talk", "format": "sharegpt", "rows": 2, "file": str(file), "problem": ""}
    assert entries["talk"] == shown
    assert "talk" in told(call("data", "list")).out
    assert told(call("data", "check", "talk", "--json")).json()["passed"]
    assert told(call("data", "remove", "talk", "--json")).json() == {"removed": "talk"}
    assert file.is_file()
    assert "talk" not in told(call("data", "list")).out


def test_columns_and_name_can_be_said(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"q": "Who?", "a": "Me."}])
    words = ("data", "add", str(file), "--name", "mine", "--column", "prompt=q", "--column", "response=a")
    added = told(call(*words, "--json")).json()
    assert added["name"] == "mine"
    assert added["description"]["columns"] == {"prompt": "q", "response": "a"}
    again = call(*words)
    assert again.code == 1
    assert "conch data remove mine" in again.err
    assert "prompt = q" in told(call(*words[:3], "--name", "other", *words[5:])).out


@pytest.mark.parametrize("given", ["prompt", "=q", "promt=q"])
def test_columns_that_are_none(tmp_path: Path, given: str) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    ended = call("data", "add", str(file), "--column", given, "--json")
    assert ended.code == 2
    error = ended.json()["error"]
    assert error["message"].startswith(f"--column {given} ")
    assert "kto_tag" in error["hint"]
    with pytest.raises(UsageError) as raised:
        _roles((given,))
    assert raised.value.key == "data.bad_column"


def test_formats_are_those_there_are() -> None:
    from conch.cli.data import FORMATS as offered
    from conch.data.formats import FORMATS

    assert sorted(offered) == sorted(FORMATS)
    assert call("data", "add", "a.json", "--format", "alpacca").code == 2


def test_a_missing_file_is_listed_as_such(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    told(call("data", "add", str(file)))
    file.unlink()
    listed = told(call("data", "list"))
    assert str(file) in listed.out
    assert "✗ There is no dataset file" in listed.out


# check


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_good_dataset_passes(tmp_path: Path, language: str) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    ended = told(call("data", "check", str(file), language=language))
    assert "✓" in ended.out
    assert "alpaca" in ended.out
    assert ended.err == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_wrong_is_told_by_rule_with_rows_and_remedy(tmp_path: Path, language: str) -> None:
    file = write(tmp_path / "a.jsonl", as_lines([ROW, *[BAD] * 12, ROW]) + b"broken\n")
    ended = told(call("data", "check", str(file), language=language), 1)
    assert (f"{file} row 2: " if language == "en" else f"{file} 第 2 条：") in ended.out
    assert (f"{file} line 15: " if language == "en" else f"{file} 第 15 行：") in ended.out
    assert "empty" in ended.out
    assert "not_json" in ended.out
    assert f"conch data check {file} --fix" in ended.out
    more = "… and 2 more" if language == "en" else "另有 2 处"
    assert more in ended.out


def test_a_report_in_json(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, BAD, {**OTHER, "id": 7}])
    found = told(call("data", "check", str(file), "--json"), 1).json()
    assert (found["passed"], found["errors"], found["rows"], found["fixed"]) == (False, 1, 3, None)
    assert [(f["rule"], f["row"]) for f in found["findings"]] == [("empty", 2)]


def test_with_a_model_tokens_are_looked_at(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, {**ROW, "instruction": "Who are you? " * 50}])
    words = ("data", "check", str(file), "--model", str(tiny_folder), "--json")
    assert told(call(*words)).json()["passed"]
    found = told(call(*words, "--cutoff-len", "60"), 1).json()
    assert [(f["rule"], f["row"]) for f in found["findings"]] == [("long_prompt", 2)]


def test_text_needs_no_chat_template(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.txt", "one\ntwo\n")
    found = told(call("data", "check", str(file), "--model", str(tiny_folder), "--json")).json()
    assert (found["format"], found["stage"]) == ("text", "pt")


def test_rows_of_the_evaluation_are_told(tmp_path: Path) -> None:
    train, held_out = write(tmp_path / "a.jsonl", ALPACA), write(tmp_path / "b.jsonl", [ROW])
    found = told(call("data", "check", str(train), "--eval", str(held_out), "--json")).json()
    assert found["rules"] == {"in_eval": {"severity": "warning", "count": 1}}


def test_a_cleaned_copy(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, BAD])
    target = tmp_path / "clean"
    ended = told(call("data", "check", str(file), "--fix", str(target)), 1)
    assert f"Written to {target}: 1 rows; 1 taken out" in ended.out
    assert told(call("data", "check", str(target / "a.jsonl"), "--json")).json()["passed"]
    again = call("data", "check", str(file), "--fix", str(target), "--json")
    assert again.code == 1
    assert "is in use" in again.json()["error"]["message"]
    other = told(call("data", "check", str(file), "--fix", str(tmp_path / "2"), "--json"), 1).json()
    assert other["fixed"] == {"folder": str(tmp_path / "2"), "kept": 1, "removed": 1}


def test_training_says_the_command_that_tells_more(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", [BAD])
    ended = call("train", f"model_name_or_path={tiny_folder}", f"dataset={file}", "output_dir=out")
    assert ended.code == 1
    assert f"conch data check {file}" in ended.err


# stats


@pytest.mark.parametrize("language", ["en", "zh"])
def test_stats_are_shown_with_bars(tmp_path: Path, tiny_folder: Path, language: str) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, BAD, {**ROW, "output": "I am the conch. " * 40}])
    words = ("data", "stats", str(file), "--model", str(tiny_folder), "--cutoff-len", "100")
    ended = told(call(*words, language=language))
    assert "█" in ended.out
    assert "    100 " in ended.out
    assert "conch data check" in ended.out


def test_stats_in_json(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", ALPACA)
    found = told(call("data", "stats", str(file), "--model", str(tiny_folder), "--json")).json()
    assert (found["rows"], found["languages"]) == (2, {"latin": 1, "zh": 1})
    assert sum(bin["count"] for bin in found["histogram"]) == 2
    assert found["truncated"]["4096"] == 0


@pytest.mark.parametrize(("share", "drawn"), [(0, ""), (1, "████"), (0.5, "██"), (0.53, "██▏"), (2, "████")])
def test_bars(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


# preview

PARTS = {
    "alpaca": ["conversation"],
    "sharegpt": ["conversation"],
    "openai": ["conversation"],
    "pairwise": ["chosen", "rejected"],
    "kto": ["liked"],
    "text": ["text"],
}


@pytest.mark.parametrize("format", BY_FORMAT)
def test_every_format_is_previewed(tmp_path: Path, tiny_folder: Path, format: str) -> None:
    file = write(tmp_path / "a.jsonl", BY_FORMAT[format])
    words = ("data", "preview", str(file), "--model", str(tiny_folder), "--rows", "1")
    shown = told(call(*words, "--json")).json()
    assert [entry["part"] for entry in shown] == PARTS[format]
    for entry in shown:
        assert len(entry["ids"]) == len(entry["tokens"]) == len(entry["trained"])
        trained = "".join(t for t, on in zip(entry["tokens"], entry["trained"], strict=True) if on)
        assert trained.endswith("<|im_end|>")
    text = told(call(*words)).out
    assert f"Row 1, {'text' if format == 'text' else ''}" in text
    assert shown[0]["tokens"][0] in text


def test_tools_are_previewed(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", SHAREGPT[1:])
    words = ("data", "preview", str(file), "--model", str(tiny_folder))
    calls = "{% for c in m.tool_calls or [] %}CALL {{ c.function.name }} {{ c.function.arguments|tojson }}"
    template = (
        "{% if tools %}[{{ tools[0].function.name }}]{% endif %}"
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        + calls
        + "{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    template_file = write(tmp_path / "tools.jinja", template)
    (entry,) = told(call(*words, "--template", str(template_file), "--json")).json()
    text = "".join(entry["tokens"])
    assert text.startswith("[weather]")
    trained = "".join(t for t, on in zip(entry["tokens"], entry["trained"], strict=True) if on)
    assert 'CALL weather {"city": "Paris"}' in trained
    assert "degrees: 20" not in trained


def trained_of(*words: str) -> list[str]:
    """What is trained of each sequence that a preview shows."""
    shown = told(call("data", "preview", *words, "--json")).json()
    return [
        "".join(t for t, on in zip(entry["tokens"], entry["trained"], strict=True) if on) for entry in shown
    ]


TALK = {
    "messages": [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "<think>\nhm\n</think>\n\nFirst."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "<think>\nah\n</think>\n\nSecond."},
    ]
}


def test_a_preview_shows_what_settings_change(tmp_path: Path, tiny_folder: Path) -> None:
    words = (str(write(tmp_path / "a.jsonl", [TALK])), "--model", str(tiny_folder))
    end = "<|im_end|>"
    thought = "<think>\nah\n</think>\n\n"
    first = "<think>\nhm\n</think>\n\nFirst."
    assert trained_of(*words) == [first + end + thought + "Second." + end]
    assert trained_of(*words, "--mask-history") == [thought + "Second." + end]
    assert trained_of(*words, "--no-thinking") == [f"First.{end}Second.{end}"]
    assert "One?" in trained_of(*words, "--train-on-prompt")[0]
    (entry,) = told(call("data", "preview", *words, "--default-system", "Be brief.", "--json")).json()
    assert "Be brief." in "".join(entry["tokens"])
    (entry,) = told(call("data", "preview", *words, "--cutoff-len", "20", "--json")).json()
    assert (len(entry["ids"]), entry["truncated"]) == (20, True)
    assert "cut at cutoff_len" in told(call("data", "preview", *words, "--cutoff-len", "20")).out


def test_without_colours_what_is_trained_is_marked(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"instruction": "Hello?", "output": "Try again."}])
    text = told(call("data", "preview", str(file), "--model", str(tiny_folder))).out
    assert "⟦Try again.<|im_end|>⟧" in text
    assert text.count("⟦") == 1


def test_statistics_follow_the_settings(tmp_path: Path, tiny_folder: Path) -> None:
    words = ("data", "stats", str(write(tmp_path / "a.jsonl", [TALK])), "--model", str(tiny_folder), "--json")
    whole = told(call(*words)).json()["trained_tokens"]
    assert told(call(*words, "--mask-history")).json()["trained_tokens"] < whole


def test_a_row_that_the_template_refuses_is_named_in_a_preview(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{**TALK, "tools": [{"name": "f"}]}])
    ended = call("data", "preview", str(file), "--model", str(tiny_folder))
    assert ended.code == 1
    assert f"{file} row 1: " in ended.err


def test_columns_that_no_row_has_are_not_told(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"prompt": "Hello?", "response": "Try again."}])
    report = told(call("data", "check", str(file), "--json")).json()
    assert report["columns"] == {"prompt": "prompt", "response": "response"}


def test_a_bad_row_is_told_in_a_preview(tmp_path: Path, tiny_folder: Path) -> None:
    file = write(tmp_path / "a.jsonl", [BAD])
    ended = call("data", "preview", str(file), "--model", str(tiny_folder))
    assert ended.code == 1
    assert "row 1: 'output' is empty" in ended.err


def test_the_usual_folder_of_llama_factory_means_the_same_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conch.config import load_train
    from conch.submit import absolute

    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data" / "mine.json", ALPACA)
    write(tmp_path / "rows.jsonl", ALPACA)
    write(tmp_path / "data" / "dataset_info.json", json.dumps({"mine": {"file_name": "mine.json"}}))

    def placed(dataset: str) -> tuple[tuple[str, ...], str | None]:
        config = load_train(values={"model_name_or_path": "x", "dataset": dataset}).config
        data = absolute(config).data
        return data.dataset, data.dataset_dir

    assert placed("mine") == (("mine",), str(tmp_path / "data"))
    assert placed("magic_conch") == (("magic_conch",), None)
    assert placed("rows.jsonl") == ((str(tmp_path / "rows.jsonl"),), None)
    assert placed("data,org/set") == ((str(tmp_path / "data"), "org/set"), None)
