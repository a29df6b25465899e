"""Runs side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.runs.comparison import METRICS, compare, differences
from tests.cli.made_up import made_up_run
from tests.cli.program import call

OLD, NEW = "20250101-000000-aaaa", "20250202-000000-bbbb"


def test_only_what_differs_is_told() -> None:
    made = [made_up_run(OLD, learning_rate=1e-4, run_name="a"), made_up_run(NEW, lora_rank=4, run_name="b")]
    compared = compare(made)
    assert compared["config"] == {"lora_rank": [8, 4], "learning_rate": [1e-4, 5e-5]}
    assert differences([{"a": 1}, {}, {"a": 1}]) == {"a": [1, None, 1]}


def test_the_figures_of_a_finished_run_and_of_one_that_never_began() -> None:
    finished, queued = compare([made_up_run(OLD), made_up_run(NEW, "queued")])["runs"]
    assert finished == {
        "id": OLD,
        "name": None,
        "state": "finished",
        "steps": 4,
        "loss": 2.25,
        "best_loss": 2.25,
        "eval_loss": 2.125,
        "best_eval_loss": 2.125,
        "best_eval_step": 4,
        "tokens": 400,
        "tokens_per_second": 10.0,
        "train_seconds": 40.0,
        "memory_bytes": None,
    }
    assert queued["state"] == "queued"
    assert {queued[name] for name in METRICS} == {None, 0}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_table_and_the_picture(tmp_path: Path, language: str) -> None:
    made_up_run(OLD, run_name="short", num_train_epochs=1)
    made_up_run(NEW, "queued")
    file = tmp_path / "curves.png"
    shown = call("runs", "compare", OLD, NEW, "--png", str(file), language=language)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[0].split() == [OLD, NEW]
    assert any(line.split() == ["num_train_epochs", "1", "3"] for line in lines)
    assert str(file) in shown.out
    assert file.read_bytes().startswith(b"\x89PNG")


def test_equal_settings_are_told() -> None:
    made_up_run(OLD, run_name="a")
    made_up_run(NEW, run_name="b")
    assert "All settings are the same." in call("runs", "compare", OLD, NEW).out


def test_programs_get_one_document() -> None:
    made_up_run(OLD)
    made_up_run(NEW)
    told = call("runs", "compare", OLD, NEW, "--json").json()
    assert [run["id"] for run in told["runs"]] == [OLD, NEW]
    assert told["config"] == {}


def test_one_run_is_no_comparison() -> None:
    made_up_run(OLD)
    refused = call("runs", "compare", OLD)
    assert refused.code == 2
    assert "two" in refused.err
