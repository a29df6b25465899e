"""`conch runs …` on runs of a made-up past."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conch import submit
from conch.config import load_train
from conch.core.events import Diagnosis, Finished, Metrics, Queued, Started
from conch.runs import Run, read_events
from tests.cli.made_up import BEGAN, made_up_run
from tests.cli.program import call
from tests.tiny import write_rows

OLD, NEW = "20250101-000000-aaaa", "20250202-000000-bbbb"


def test_no_runs_yet() -> None:
    assert "conch quickstart" in call("runs", "list").out
    assert call("runs", "list", "--json").json() == []


def test_list_shows_the_newest_first() -> None:
    made_up_run(OLD, "failed")
    made_up_run(NEW, "finished", run_name="second try")
    lines = call("runs", "list").out.splitlines()
    assert lines[0].split() == ["RUN", "STATE", "STEPS", "LOSS", "EVAL", "NAME"]
    assert lines[1].split(maxsplit=5) == [NEW, "finished", "4/4", "2.250", "2.125", "second try"]
    assert lines[2].split() == [OLD, "failed", "4/4", "2.250", "2.125"]
    listed = call("runs", "list", "--json").json()
    assert [run["id"] for run in listed] == [NEW, OLD]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", ["queued", "finished", "failed", "stopped"])
def test_a_run_of_each_state_is_listed_and_shown(state: str, language: str) -> None:
    made_up_run(OLD, state)
    word = {"queued": "排队中", "finished": "已完成", "failed": "失败", "stopped": "已停止"}[state]
    word = word if language == "zh" else state
    assert word in call("runs", "list", language=language).out
    shown = call("runs", "show", OLD, language=language)
    assert shown.code == 0
    assert word in shown.out
    assert call("runs", "show", OLD, "--json", language=language).json()["state"] == state


def test_show_prints_figures_that_a_person_can_read() -> None:
    run = made_up_run(OLD, "no end")
    run.events.write(
        Metrics,
        step=4,
        total_steps=4,
        loss=1.23456789,
        learning_rate=4.169999999e-06,
        grad_norm=2.798765,
        tokens=1234567,
        memory_bytes=2_345_678_901,
        tokens_per_second=812.34,
    )
    run.events.write(Finished, step=4, train_seconds=40.0, tokens=400, tokens_per_second=10.0)
    shown = dict(line.split("  ", 1) for line in call("runs", "show", OLD).out.splitlines() if "  " in line)
    told = {name: value.strip() for name, value in shown.items()}
    assert told["Loss"] == "1.2346"
    assert told["Learning rate"] == "4.17e-06"
    assert told["Gradient norm"] == "2.80"
    assert told["Tokens"] == "1,234,567"
    assert told["Tokens/s"] == "812"
    assert told["Memory"] == "2.35 GB"


def test_a_diagnosis_is_told_in_the_readers_language() -> None:
    run = made_up_run(OLD, "no end")
    told = {"message": "There were only 4 steps.", "key": "few_steps", "evidence": {"steps": 4}}
    run.events.write(Diagnosis, **told)
    run.events.write(Diagnosis, message="Of another version.", key="unheard_of", evidence={})
    run.events.write(Finished, step=4, train_seconds=40.0, tokens=400, tokens_per_second=10.0)
    shown = call("runs", "show", OLD, language="zh").out
    assert "总共只有 4 步" in shown
    assert "Of another version." in shown
    assert "总共只有 4 步" in call("runs", "follow", OLD, language="zh").err


def test_a_run_whose_worker_is_gone_is_lost() -> None:
    run = made_up_run(OLD, "no end")
    (run.folder / "worker.json").write_text('{"pid": 1, "started": 0}')
    assert call("runs", "show", OLD, "--json").json()["state"] == "lost"


def test_show_in_json_has_the_parts_that_programs_rely_on() -> None:
    run = made_up_run(OLD)
    shown = call("runs", "show", OLD, "--json").json()
    assert list(shown) == [
        *("id", "name", "state", "created", "started", "ended", "config", "progress", "last"),
        *("checkpoints", "output", "error", "diagnosis", "waits", "paused"),
    ]
    assert shown["created"] == BEGAN
    assert shown["started"] == BEGAN + 10
    assert shown["ended"] == BEGAN + 100
    assert shown["config"]["dataset"] == ["magic_conch"]
    assert shown["progress"] == {"step": 4, "total_steps": 4, "eta_seconds": None}
    assert shown["last"]["loss"] == 2.25
    assert shown["last"]["eval_loss"] == 2.125
    assert shown["checkpoints"] == [str(run.output / "checkpoint-4")]
    assert shown["output"] == str(run.output)
    assert shown["error"] is None
    assert shown["diagnosis"] == ["The loss fell."]


def test_show_tells_why_a_run_failed() -> None:
    made_up_run(OLD, "failed")
    shown = call("runs", "show", OLD)
    assert "Error: The device ran out of memory.\n  → Halve the batch.\n" in shown.out
    error = call("runs", "show", OLD, "--json").json()["error"]
    assert error == {
        "kind": "TrainingError",
        "message": "The device ran out of memory.",
        "hint": "Halve the batch.",
    }


@pytest.mark.parametrize("name", [OLD, "20250101", "my run", "latest"])
def test_a_run_is_found_by_id_start_name_and_latest(name: str) -> None:
    made_up_run(OLD, run_name="my run")
    assert call("runs", "show", name, "--json").json()["id"] == OLD


def test_a_run_is_found_by_its_folder() -> None:
    run = made_up_run(OLD)
    assert call("runs", "show", str(run.folder), "--json").json()["id"] == OLD


def test_logs_are_the_end_of_the_log() -> None:
    made_up_run(OLD)
    assert call("runs", "logs", OLD, "-n", "2").out == "line 100\né海螺\n"
    assert len(call("runs", "logs", OLD).out.splitlines()) == 50
    assert call("runs", "logs", OLD, "-n", "1", "--json").json() == {"id": OLD, "lines": ["é海螺"]}


def test_a_run_without_a_log_has_no_lines() -> None:
    made_up_run(OLD, "queued")
    shown = call("runs", "logs", OLD)
    assert shown.out == ""
    assert f"conch runs follow {OLD}" in shown.err


def test_follow_of_an_ended_run_shows_it_whole() -> None:
    made_up_run(OLD)
    followed = call("runs", "follow", OLD)
    assert followed.code == 0
    assert f"conch chat {OLD}" in followed.out
    assert "step 4/4" in followed.err
    assert "Finished in 0:40" in followed.err
    assert call("runs", "follow", OLD, "--json").json()["id"] == OLD


@pytest.mark.parametrize(("end", "code"), [("finished", 0), ("stopped", 0), ("failed", 1), ("lost", 1)])
def test_follow_ends_as_the_run_did(end: str, code: int) -> None:
    run = made_up_run(OLD, end)
    if end == "lost":
        (run.folder / "worker.json").write_text('{"pid": 1, "started": 0}')
    assert call("runs", "follow", OLD).code == code


def test_long_lines_are_not_broken_where_nobody_watches(tmp_path: Path) -> None:
    """Paths and commands are copied out of logs."""
    run = made_up_run(OLD, output_dir=f"{tmp_path}/" + "a-long-name/" * 12)
    assert str(run.output / "checkpoint-4") in call("runs", "follow", OLD).err


def test_remove_deletes_the_run() -> None:
    run = made_up_run(OLD)
    assert call("runs", "remove", OLD).code == 0
    assert not run.folder.exists()
    made_up_run(NEW, "queued")
    assert call("runs", "remove", NEW, "--json").json() == {"removed": NEW}


def test_only_a_name_in_full_removes_a_run() -> None:
    run = made_up_run(OLD, run_name="mine")
    for name in ("2", OLD[:-1], "latest", str(run.folder)):
        refused = call("runs", "remove", name)
        assert refused.code == 2
        assert OLD in refused.err
        assert run.folder.is_dir()
    assert call("runs", "remove", "mine").code == 0
    assert not run.folder.exists()


def test_a_run_at_work_is_not_removed() -> None:
    run = made_up_run(OLD, "no end")
    run.claim(os.getpid())
    refused = call("runs", "remove", OLD)
    assert refused.code == 1
    assert f"conch runs stop {OLD}" in refused.err
    assert run.folder.is_dir()


# resume


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What would have been started."""
    words: list[tuple[str, ...]] = []

    def launch(run: Run, *arguments: str, secrets: object = None) -> int:
        words.append(arguments)
        return 0

    monkeypatch.setattr(submit.launch, "launch", launch)
    return words


@pytest.fixture
def stopped(tiny_folder: Path) -> Run:
    """A stopped run with a whole checkpoint."""
    run = made_up_run(OLD, "stopped")
    checkpoint = run.output / "checkpoint-4"
    for file in tiny_folder.iterdir():
        (checkpoint / file.name).write_bytes(file.read_bytes())
    (checkpoint / "trainer_state.json").write_text("{}")
    (checkpoint / "optimizer.pt").write_bytes(b"")
    run.stop_path.touch()
    return run


def test_resume_takes_the_newest_whole_checkpoint(stopped: Run, launched: list[tuple[str, ...]]) -> None:
    (stopped.output / "checkpoint-9").mkdir()
    resumed = call("runs", "resume", OLD, "--detach", "--json")
    assert resumed.code == 0
    assert launched == [("--resume", str(stopped.output / "checkpoint-4"))]


def test_a_resumed_run_is_not_taken_for_ended(stopped: Run, launched: list[tuple[str, ...]]) -> None:
    """Whoever follows must not see the old end before the new worker has said its first word."""
    assert stopped.state() == "stopped"
    submit.resume(stopped)
    assert stopped.state() == "queued"
    assert isinstance(read_events(stopped.events_path)[-1], Queued)


def test_resume_is_followed_to_its_own_end(stopped: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(run: Run, *arguments: str, secrets: object = None) -> int:
        run.events.write(Started, pid=1, resumed_from=arguments[1])
        run.events.write(Finished, step=9, train_seconds=5.0, tokens=9, tokens_per_second=1.0)
        return 0

    monkeypatch.setattr(submit.launch, "launch", launch)
    resumed = call("runs", "resume", OLD)
    assert resumed.code == 0
    assert "Going on from" in resumed.err
    assert "Finished in 0:05" in resumed.err
    assert "Stopped at" not in resumed.err


def test_a_run_at_work_is_not_resumed(stopped: Run, launched: list[tuple[str, ...]]) -> None:
    submit.resume(stopped)
    refused = call("runs", "resume", OLD)
    assert refused.code == 1
    assert len(launched) == 1


def test_a_checkpoint_may_be_named_from_the_current_folder(
    stopped: Run, launched: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stopped.output)
    assert call("runs", "resume", OLD, "--checkpoint", "checkpoint-4", "--detach").code == 0
    assert launched == [("--resume", str(stopped.output / "checkpoint-4"))]


# submit


def test_paths_of_a_run_mean_the_same_from_any_folder(
    tmp_path: Path, tiny_folder: Path, launched: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.json")
    (tmp_path / "chat.jinja").write_text("{{ messages }}")
    (tmp_path / "tiny").symlink_to(tiny_folder)
    values = {
        "model_name_or_path": "./tiny",
        "dataset": "rows.json,magic_conch",
        "template": "chat.jinja",
        "output_dir": "out",
        "cache_dir": "cache",
    }
    flat = submit.submit(load_train(values=values).config).flat_config()
    assert flat["model_name_or_path"] == str(tmp_path / "tiny")
    assert flat["dataset"] == [str(tmp_path / "rows.json"), "magic_conch"]
    assert flat["template"] == str(tmp_path / "chat.jinja")
    assert flat["output_dir"] == str(tmp_path / "out")
    assert flat["cache_dir"] == str(tmp_path / "cache")


def test_names_stay_names(launched: list[tuple[str, ...]], tmp_path: Path) -> None:
    values = {"model_name_or_path": "org/model", "dataset": "magic_conch", "template": "chatml"}
    flat = submit.submit(load_train(values=values).config).flat_config()
    assert (flat["model_name_or_path"], flat["dataset"], flat["template"]) == (
        "org/model",
        ["magic_conch"],
        "chatml",
    )
    assert flat["output_dir"] is None
    assert flat["resume_from_checkpoint"] is None


def test_train_detached_says_how_to_watch(launched: list[tuple[str, ...]]) -> None:
    words = ("train", "model_name_or_path=org/model", "dataset=magic_conch", "--detach")
    assert "conch runs follow" in call(*words).out
    started = call(*words, "--json").json()
    assert Path(started["folder"]).name == started["id"]
