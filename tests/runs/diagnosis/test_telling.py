"""A diagnosis from end to end: real tiny runs, the event log, the commands, and the follow-up run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch import submit
from conch.core.events import Diagnosis, Failed, Finished, Started
from conch.runs import Run, find, read_events
from conch.runs.diagnosis import DiagnosingLog, diagnose
from conch.runs.follow_up import difference
from conch.runs.log import EventLog
from conch.runs.machine import memory_total
from tests.cli.made_up import made_up_run
from tests.cli.program import call
from tests.runs.diagnosis.curves import FAULTY
from tests.tiny import write_rows
from tests.training.helpers import train

OLD = "20250101-000000-aaaa"


@pytest.fixture
def flat_run() -> Run:
    """A made-up run whose loss never moved."""
    run = made_up_run(OLD, "queued", learning_rate=1e-8, output_dir=None, run_name="first try")
    for event in FAULTY["flat"][0]:
        values = {key: value for key, value in event.to_dict().items() if key not in {"t", "kind"}}
        run.events.write(type(event), **values)
    DiagnosingLog(run).write(Finished, step=120, train_seconds=9.0, tokens=9, tokens_per_second=1.0)
    return run


# real runs


def test_a_run_with_far_too_high_a_rate_is_told_so(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, learning_rate=3.0, num_train_epochs=8, max_grad_norm=0, lora_rank=32)
    told = [event for event in read_events(run.events_path) if isinstance(event, Diagnosis)]
    found = {event.key: event for event in told}
    assert found.keys() & {"diverging", "not_a_number"}
    event = found.get("diverging") or found["not_a_number"]
    assert event.change
    assert event.change["learning_rate"] < 3.0
    assert event.message in run.summary()["diagnosis"]


def test_a_run_over_a_few_rows_again_and_again_is_told_that_it_recites(
    tiny_folder: Path, tmp_path: Path
) -> None:
    few = write_rows(tmp_path / "few.json", 4)
    run = train(tiny_folder, few, finetuning_type="full", learning_rate=5e-3, num_train_epochs=60)
    keys = [finding.key for finding in diagnose(run)]
    assert keys[0] == "memorised"
    assert [e.key for e in read_events(run.events_path) if isinstance(e, Diagnosis)] == keys
    started = next(event for event in read_events(run.events_path) if isinstance(event, Started))
    assert started.memory_total == memory_total() > 2**28


# the log


def test_the_diagnosis_stands_before_the_end(flat_run: Run) -> None:
    kinds = [type(event) for event in read_events(flat_run.events_path)]
    assert kinds[-2:] == [Diagnosis, Finished]


def test_a_resumed_run_shows_its_last_diagnosis_only(flat_run: Run) -> None:
    assert len(flat_run.summary()["diagnosis"]) == 1
    # in the very millisecond of the diagnosis, as on a fast machine
    found = [event for event in read_events(flat_run.events_path) if isinstance(event, Diagnosis)]
    EventLog(flat_run.events_path, clock=lambda: found[-1].t).write(Started, pid=1)
    assert flat_run.summary()["diagnosis"] == []


def test_a_run_that_failed_before_its_first_step_has_no_diagnosis() -> None:
    run = made_up_run(OLD, "queued")
    DiagnosingLog(run).write(Failed, error="ModelError", message="no", hint="yes")
    assert not [event for event in read_events(run.events_path) if isinstance(event, Diagnosis)]


# the commands


@pytest.mark.parametrize("language", ["en", "zh"])
def test_diagnose_says_it_in_words(flat_run: Run, language: str) -> None:
    said = call("runs", "diagnose", OLD, language=language).out
    assert f"conch train --from {OLD} --apply flat" in said
    assert "1e-08" in said


def test_diagnose_in_json(flat_run: Run) -> None:
    told = call("runs", "diagnose", OLD, "--json").json()
    (finding,) = told["findings"]
    assert finding["key"] == "flat"
    assert finding["confidence"] == "high"
    assert finding["change"] == {"learning_rate": 5e-8}
    assert finding["message"]


def test_a_run_without_faults_is_told_so() -> None:
    made_up_run(OLD, "queued")
    assert "Nothing" in call("runs", "diagnose", OLD).out


def test_show_has_the_diagnosis(flat_run: Run) -> None:
    assert "hardly moved" in call("runs", "show", OLD).out


# the follow-up


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit.launch, "launch", lambda run, *words, secrets=None: 0)


@pytest.mark.usefixtures("launched")
def test_a_follow_up_has_the_change_and_shows_it_first(flat_run: Run) -> None:
    words = ("--from", OLD, "--apply", "flat", "num_train_epochs=1")
    started = call("train", *words, "--detach", "--json")
    assert started.code == 0, started.err
    assert "learning_rate: 1e-08 → 5e-08" in started.err
    assert "num_train_epochs: 3.0 → 1.0" in started.err
    new = find(started.json()["id"])
    assert difference(flat_run.flat_config(), new.flat_config()) == {
        "learning_rate": (1e-8, 5e-8),
        "num_train_epochs": (3.0, 1.0),
    }
    assert new.flat_config()["run_name"] is None, "a name names one run"


@pytest.mark.usefixtures("launched")
def test_fix_stands_for_what_is_suggested_first(flat_run: Run) -> None:
    started = call("train", "--from", OLD, "--apply", "fix", "--detach", "--json")
    assert started.code == 0, started.err
    assert find(started.json()["id"]).flat_config()["learning_rate"] == 5e-8


def test_fix_of_a_run_without_faults_is_refused() -> None:
    made_up_run(OLD, "queued")
    refused = call("train", "--from", OLD, "--apply", "fix")
    assert refused.code == 1
    assert "'fix'" in refused.err


@pytest.mark.usefixtures("launched")
def test_a_follow_up_without_changes_says_so(flat_run: Run) -> None:
    assert "nothing" in call("train", "--from", OLD, "--detach").err


def test_a_change_that_is_not_suggested_is_refused(flat_run: Run) -> None:
    refused = call("train", "--from", OLD, "--apply", "diverging")
    assert refused.code == 1
    assert "flat" in refused.err


@pytest.mark.parametrize("words", [("--apply", "flat"), ("--from", OLD, "config.yaml")])
def test_words_that_make_no_sense_together_are_refused(flat_run: Run, words: tuple[str, ...]) -> None:
    assert call("train", *words).code == 2
