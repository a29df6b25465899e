"""Every rule finds what it is there for, and nothing in good data. Reports count everything and keep some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conch.config.data import DataConfig
from conch.core.errors import DataError
from conch.core.text import set_language
from conch.core.text.check import TEXTS
from conch.data import check as checking
from conch.data.check import KEPT, TAKEN_OUT, TOLD, WARNED, BadRowsError, Report, check, refuse_bad_rows
from conch.data.measure import Measure
from conch.data.near import NearDuplicates
from conch.data.prepare import check_rows
from conch.data.scripts import script_of
from conch.data.template import ChatTemplate
from tests.data.made import ALPACA, BY_FORMAT, OPENAI, PAIRWISE, ROW, as_csv, as_lines, checked, opened, write
from tests.tiny import tiny_tokenizer

USER, ANSWER = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": {"name": "f"}}]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
LONG = " ".join(f"The fox number {i} jumps over {chr(97 + i) * 3} lazy dogs." for i in range(9))


def found(tmp_path: Path, *rows: dict[str, Any], **options: Any) -> list[tuple[str, int | None]]:
    """Rule and row of every finding in a file of these rows."""
    report = check(opened(write(tmp_path / "a.jsonl", list(rows))), **options)
    return [(f.rule, f.row) for _, findings in report.sorted() for f in findings]


def talk(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(turns)}


# good data


@pytest.mark.parametrize("format", BY_FORMAT)
def test_nothing_is_found_in_good_rows(tmp_path: Path, format: str) -> None:
    report = checked(write(tmp_path / "a.jsonl", BY_FORMAT[format]))
    assert (report.rows, dict(report.counts), report.passed) == (2, {}, True)


def test_nothing_stops_our_own_dataset() -> None:
    from conch.data.reading import open_dataset
    from conch.data.sources import find_dataset

    report = check(open_dataset(find_dataset("magic_conch")))
    assert report.passed
    assert set(report.counts) <= {"near_duplicate"}


# rules of one row


@pytest.mark.parametrize(
    ("turns", "rule"),
    [
        ([ANSWER], "first_turn"),
        ([{"role": "system", "content": "s"}, ANSWER], "first_turn"),
        ([RESULT, ANSWER], "first_turn"),
        ([USER, USER, ANSWER], "turn_order"),
        ([USER, ANSWER, ANSWER], "turn_order"),
        ([USER, {"role": "system", "content": "s"}, ANSWER], "turn_order"),
        ([USER, CALL, RESULT, USER, ANSWER], "turn_order"),
        ([USER, ANSWER, USER], "last_turn"),
        ([USER, CALL, RESULT], "last_turn"),
        ([USER], "no_answer"),
        ([USER, {**ANSWER, "weight": 0}], "all_untrained"),
        ([USER, ANSWER, RESULT, ANSWER], "result_without_call"),
        ([USER, CALL, {**RESULT, "tool_call_id": "c9"}, ANSWER], "result_of_other_call"),
        ([USER, CALL, RESULT, ANSWER], None),
        ([USER, CALL, RESULT, RESULT, CALL, RESULT, ANSWER], None),
        ([USER, CALL, {"role": "tool", "content": "1"}, ANSWER], None),
        ([USER, CALL], None),
        ([USER, CALL, USER, ANSWER], None),
        ([USER, {**ANSWER, "weight": 0}, USER, ANSWER], None),
    ],
)
def test_turns(tmp_path: Path, turns: list[dict[str, Any]], rule: str | None) -> None:
    assert found(tmp_path, talk(*turns)) == ([(rule, 1)] if rule else [])


def test_a_prompt_that_is_answered_already(tmp_path: Path) -> None:
    row = {**talk(USER, ANSWER), "chosen": ANSWER, "rejected": {**ANSWER, "content": "b"}}
    assert found(tmp_path, row) == [("answered_already", 1)]


def test_answers_of_a_pair_that_are_the_same(tmp_path: Path) -> None:
    assert found(tmp_path, {**PAIRWISE[0], "rejected": "The conch."}) == [("same_answers", 1)]


@pytest.mark.parametrize(
    ("text", "is_left"),
    [
        ("I am {{name}}.", True),
        ("I am {{ user_name }}.", True),
        ("Dear [Your Name],", True),
        ("Dear <insert name>,", True),
        ("f(x) = {x} and a[0]", False),
        ("{{1, 2}}", False),
        ("[yourself]", False),
    ],
)
def test_placeholders(tmp_path: Path, text: str, is_left: bool) -> None:
    assert found(tmp_path, {**ROW, "output": text}) == ([("placeholder", 1)] if is_left else [])


ZH = "神奇海螺知道所有的答案，请随时提问。"
EN = "The magic conch knows all of the answers."


@pytest.mark.parametrize(
    ("question", "answer", "differs"),
    [
        (ZH, EN, True),
        (EN, ZH, True),
        (ZH, ZH, False),
        (EN, EN, False),
        ("请翻译成英文：神奇海螺知道", EN, False),
        ("Translate this, please: the conch knows", ZH, False),
        ("写一个排序函数", "```python\nsorted(values)  # this is all there is\n```", False),
        (ZH, "I answer in English, as you can see.", True),
        (ZH, "OK", False),
        ("2 + 2 =", "4", False),
    ],
)
def test_the_language_of_the_answer(tmp_path: Path, question: str, answer: str, differs: bool) -> None:
    row = {"instruction": question, "output": answer}
    assert found(tmp_path, row) == ([("language", 1)] if differs else [])


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("海螺 knows", "zh"),
        ("The conch says 海螺", "latin"),
        ("神奇のほら貝", "ja"),
        ("마법 소라", "ko"),
        ("Волшебная", "cyrillic"),
        ("1 + 1", "other"),
        ("é", "latin"),
        ("…", "other"),
        ("", "other"),
    ],
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script


# rules between rows


def test_what_is_there_twice(tmp_path: Path) -> None:
    again = {**ROW, "output": ROW["output"] + " "}
    assert found(tmp_path, ROW, ALPACA[1], ROW, again) == [("duplicate", 3), ("duplicate", 4)]
    other_system = {**talk({"role": "system", "content": "s"}, USER, ANSWER)}
    assert found(tmp_path, talk(USER, ANSWER), other_system) == []
    finding = checked(write(tmp_path / "a.jsonl", [ROW, ROW])).findings["duplicate"][0]
    assert "the same as row 1" in finding.reason


def test_what_is_nearly_there_twice(tmp_path: Path) -> None:
    near = LONG.replace("number 4", "number x")
    rows = [{"instruction": "q", "output": text} for text in (LONG, near, LONG[: len(LONG) // 2], "x" * 20)]
    assert found(tmp_path, *rows) == [("near_duplicate", 2)]


def test_near_duplicates_are_those_whose_shingles_are_alike() -> None:
    import random

    chance = random.Random(5)
    words = [f"word{i}" for i in range(500)]
    texts = [" ".join(chance.choices(words, k=60)) for _ in range(600)]
    changed = [text.replace(text.split()[7], "other") for text in texts]
    near = NearDuplicates()
    assert [n for block in (texts[:300], texts[300:]) for n in near.block(block)] == [None] * 600
    hits = near.block(changed)
    share = sum(hit is not None and hit[0] == i for i, hit in enumerate(hits)) / len(hits)
    assert share > 0.75, "one word of sixty was changed: about nine of ten shingles are left"


def test_rows_that_are_evaluated_on_as_well(tmp_path: Path) -> None:
    held_out = opened(write(tmp_path / "eval.jsonl", [{**ROW, "output": "Another answer."}, {"broken": 1}]))
    assert found(tmp_path, ALPACA[1], ROW, evaluated=held_out) == [("in_eval", 2)]


# rules of tokens


def measure(cutoff_len: int = 2048, template: str | None = None) -> Measure:
    tokenizer = tiny_tokenizer(template) if template else tiny_tokenizer()
    return Measure(ChatTemplate.of(tokenizer), DataConfig(cutoff_len=cutoff_len))


def test_rows_that_are_cut(tmp_path: Path) -> None:
    model = measure(60)
    rows = [ROW, {**ROW, "instruction": LONG}, {**ROW, "output": LONG}]
    assert found(tmp_path, *rows, measure=model) == [("long_prompt", 2), ("answer_cut", 3)]
    report = check(opened(tmp_path / "a.jsonl"), measure=model)
    assert report.total("error") == 1
    assert "cutoff_len" in report.findings["long_prompt"][0].remedy
    assert check(opened(tmp_path / "a.jsonl"), measure=measure()).passed


def test_pairs_feedback_and_text_are_measured(tmp_path: Path) -> None:
    for rows in BY_FORMAT.values():
        assert found(tmp_path, rows[0], measure=measure()) == []
    long = {**PAIRWISE[0], "rejected": LONG}
    assert found(tmp_path, long, measure=measure(60)) == [("answer_cut", 1)]
    assert found(tmp_path, {"text": LONG}, measure=measure(10)) == [], "a text goes on in the next block"


def test_rows_that_the_template_refuses(tmp_path: Path) -> None:
    strict = "{{ raise_exception('no system') if messages[0]['role'] == 'system' }}"
    chatml = tiny_tokenizer().chat_template
    with_system = talk({"role": "system", "content": "s"}, USER, ANSWER)
    model = measure(template=strict + chatml)
    assert found(tmp_path, talk(USER, ANSWER), with_system, measure=model) == [("template", 2)]


def test_sequences_that_teach_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from conch.data.example import IGNORED, Example

    file = write(tmp_path / "a.jsonl", [ROW])
    for example, rule in (
        (Example([5, 6], [IGNORED, IGNORED]), "nothing_trained"),
        (Example([5, 6], [5, IGNORED]), "nothing_trained"),
        (Example([5, 6, 7], [IGNORED, 6, 7]), "end_not_trained"),
    ):
        monkeypatch.setattr(Measure, "examples", lambda self, sample, example=example: [example])
        assert list(check(opened(file), measure=measure()).counts) == [rule]


# the report


def test_everything_is_counted_and_some_is_kept(tmp_path: Path) -> None:
    rows = [{**ROW, "output": ""}] * 30 + [{**ROW, "input": str(i)} for i in range(5)]
    file = write(tmp_path / "a.jsonl", as_lines(rows) + b"broken\n" + "海\n".encode("gbk"))
    report = checked(file)
    assert report.rows == 35
    assert report.counts == {"empty": 30, "not_json": 1, "not_utf8": 1}
    assert len(report.findings["empty"]) == KEPT
    assert len(report.bad) == 32
    told = report.to_dict()
    assert told["errors"] == 32
    assert not told["passed"]
    assert told["rules"]["empty"] == {"severity": "error", "count": 30}
    assert json.loads(json.dumps(told)) == told
    first = told["findings"][0]
    assert first == {
        "file": str(file),
        "row": 1,
        "rule": "empty",
        "severity": "error",
        "reason": "'output' is empty.",
        "remedy": "Fill it in, or take the row out.",
        "unit": "row",
    }


def test_a_report_speaks_chinese(tmp_path: Path) -> None:
    set_language("zh")
    report = checked(write(tmp_path / "a.jsonl", [ROW, {**ROW, "output": ""}]))
    (finding,) = report.findings["empty"]
    assert (finding.reason, finding.remedy) == ("'output' 为空。", "请填写内容，或删除该条。")


def test_a_damaged_end_is_a_finding_of_the_whole_file(tmp_path: Path) -> None:
    report = checked(write(tmp_path / "a.json", json.dumps([ROW]).encode()[:-1]))
    assert (report.rows, dict(report.counts)) == (1, {"not_json": 1})
    good = write(tmp_path / "set" / "a.jsonl", ALPACA)
    bad = write(tmp_path / "set" / "b.parquet", b"PAR1 no more")
    report = checked(good.parent)
    (finding,) = report.findings["damaged"]
    assert (finding.file, finding.row, report.rows) == (str(bad), None, 2)


def test_columns_that_nobody_reads_are_told(tmp_path: Path) -> None:
    assert checked(write(tmp_path / "a.jsonl", [{**ROW, "id": 3, "source": "x"}])).unused == ["id", "source"]


def test_warnings_and_what_is_taken_out_are_rules_that_exist() -> None:
    rules = {key.split(".")[1] for key in TEXTS if key.endswith(".fix")}
    assert rules >= WARNED
    assert TAKEN_OUT <= WARNED


# before a training


def refused(file: Path, **settings: Any) -> BadRowsError:
    with pytest.raises(BadRowsError) as error:
        refuse_bad_rows(str(file), DataConfig(**settings), "sft")
    return error.value


def test_a_training_is_refused_with_the_first_errors_and_the_command(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, *[{**ROW, "output": " "}] * 9, ROW])
    error = refused(file)
    assert error.key == "data.bad_rows"
    assert len(error.problems) == TOLD
    assert f"{file} row 2: 'output' holds white space only. Fill it in" in error.message
    assert f"conch data check {file}" in error.hint
    assert error.to_dict()["problems"][0]["row"] == 2
    assert refuse_bad_rows(str(file), DataConfig(max_samples=1), "sft") == 1


def test_warnings_refuse_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [ROW, ROW, {**ROW, "output": "{{name}}"}])
    assert refuse_bad_rows(str(file), DataConfig(), "sft") == 3


def test_turns_out_of_order_are_refused_like_any_other_error(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [OPENAI[0], talk(USER, USER, ANSWER)])
    assert [problem.key for problem in refused(file).problems] == ["check.turn_order"]


def test_of_a_stream_only_the_beginning_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "OF_A_STREAM", 3)
    file = write(tmp_path / "a.jsonl", [*[ROW] * 3, {**ROW, "output": ""}])
    assert refuse_bad_rows(str(file), DataConfig(streaming=True), "sft") is None
    assert refused(file).problems


def test_a_dataset_on_a_hub_is_left_to_the_worker() -> None:
    assert refuse_bad_rows("org/set", DataConfig(), "sft") is None
    check_rows(DataConfig(dataset=("org/set",), val_size=5), "sft", 0)


@pytest.mark.parametrize(
    ("format", "stage"), [("pairwise", "dpo"), ("kto", "kto"), ("text", "pt"), ("pairwise", "rm")]
)
def test_every_stage_checks_rows_of_its_own_kind(tmp_path: Path, format: str, stage: str) -> None:
    file = write(tmp_path / "a.jsonl", BY_FORMAT[format])
    assert refuse_bad_rows(str(file), DataConfig(), stage) == 2
    with pytest.raises(DataError) as error:
        refuse_bad_rows(str(file), DataConfig(), "sft")
    assert error.value.key == "data.other_kind"


def test_a_table_with_everything_wrong_is_told_in_one_go(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "output": ""}, {**ROW, "instruction": " "}]
    report: Report = checked(write(tmp_path / "a.csv", as_csv(rows) + b"1,2,3,4\n"))
    assert dict(report.counts) == {"empty": 1, "blank": 1, "too_many_cells": 1}
