"""A run on disk: its state, its summary, and the table of all runs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from conch.config import TrainConfig, load_train
from conch.core.errors import RunError
from conch.core.events import (
    Checkpoint,
    Diagnosis,
    Failed,
    Finished,
    Metrics,
    Phase,
    Queued,
    Started,
    Stopped,
    Warned,
)
from conch.runs import Run, create, find, list_runs, runs_folder, store
from conch.runs.process import Worker
from conch.runs.run import ENDED


def config(**values: object) -> TrainConfig:
    return load_train(values={"model_name_or_path": "m", "dataset": "d", **values}).config


@pytest.fixture
def run() -> Run:
    return create(config())


@pytest.fixture
def dead() -> int:
    """The pid of a process that was, and is gone."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


@pytest.fixture
def zombie() -> Iterator[psutil.Process]:
    """A process that has ended and that nobody has asked about."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    yield psutil.Process(child.pid)
    child.wait()


def work(run: Run, pid: int | None = None, started: float | None = None) -> None:
    """Let the run be claimed by a process: this one unless told otherwise."""
    run.claim(os.getpid())
    if pid is not None or started is not None:
        worker = {"pid": pid or os.getpid(), "started": started or 0.0}
        (run.folder / "worker.json").write_text(json.dumps(worker))


def finish(run: Run) -> None:
    run.events.write(Finished, step=8, train_seconds=2.0, tokens=100, tokens_per_second=50.0, loss=0.5)


# creating


def test_a_new_run_is_whole_and_queued(run: Run, home: Path) -> None:
    assert run.folder.parent == home / "runs" == runs_folder()
    assert {path.name for path in run.folder.iterdir()} == {"config.yaml", "events.jsonl"}
    assert run.state() == "queued"
    assert run.config() == config()
    assert [path.name for path in (home / "runs").iterdir()] == [run.id], "nothing is left behind"


def test_runs_made_in_one_second_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(store.time, "strftime", lambda form: "20240101-000000")
    monkeypatch.setattr(secrets, "token_hex", lambda size: next(letters))
    assert [create(config()).id[-4:] for _ in range(2)] == ["aaaa", "bbbb"]


def test_a_secret_does_not_reach_the_disk() -> None:
    run = create(config(hf_hub_token="hf_DoNotShow"))
    assert not [file for file in run.folder.iterdir() if "hf_DoNotShow" in file.read_text()]


def test_a_home_that_cannot_be_written_is_named(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(RunError) as error:
        create(config())
    assert error.value.key == "runs.cannot_create"
    assert str(home) in str(error.value)
    assert "CONCH_HOME" in error.value.hint


# state


def test_a_run_at_work(run: Run) -> None:
    work(run)
    assert run.state() == "queued", "claimed before it has said anything"
    run.events.write(Started, pid=os.getpid())
    run.events.write(Metrics, step=1)
    assert run.state() == "running"
    run.ask_to_stop()
    assert run.state() == "stopping"
    run.events.write(Stopped, step=1)
    assert run.state() == "stopped"


@pytest.mark.parametrize("told", [(), (Queued,), (Started,), (Started, Metrics), (Started, Phase)])
def test_a_run_whose_worker_died_is_lost(run: Run, dead: int, told: tuple[type, ...]) -> None:
    needed = {Started: {"pid": dead}, Metrics: {"step": 1}, Phase: {"name": "training"}}
    for kind in told:
        run.events.write(kind, **needed.get(kind, {}))
    work(run, dead, 1.0)
    assert run.state() == "lost"
    run.ask_to_stop()
    assert run.state() == "lost", "a dead worker can't stop"


def test_a_recycled_pid_is_not_the_worker(run: Run) -> None:
    born = psutil.Process().create_time()
    work(run, os.getpid(), born - 60)
    assert run.state() == "lost"
    work(run, os.getpid(), born)
    assert run.state() == "queued"


def test_a_zombie_is_not_at_work(run: Run, zombie: psutil.Process) -> None:
    assert not Worker(zombie.pid, zombie.create_time()).is_alive()


def test_an_end_stands_whether_or_not_the_worker_lives(run: Run, dead: int) -> None:
    work(run)
    run.events.write(Started, pid=1)
    for end, values in (
        (Stopped, {"step": 1}),
        (Failed, {"error": "E", "message": "m", "hint": "h"}),
        (Finished, {"step": 1, "train_seconds": 1.0, "tokens": 1, "tokens_per_second": 1.0}),
    ):
        run.events.write(end, **values)
        for pid in (None, dead):
            work(run, pid)
            assert run.state() == end.kind


def test_an_end_that_is_told_while_one_looks_counts(
    run: Run, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.events.write(Started, pid=dead)
    work(run, dead, 1.0)

    def tell_and_go(*_: object) -> bool:
        run.events.write(Failed, error="DataError", message="no", hint="yes")
        return False

    monkeypatch.setattr(Worker, "is_alive", tell_and_go)
    assert run.state() == "failed"


def test_news_after_the_end_do_not_undo_it(run: Run, dead: int) -> None:
    work(run, dead)
    finish(run)
    run.events.write(Diagnosis, message="The loss fell.")
    run.events.write(Warned, message="The disk is nearly full.")
    assert run.state() == "finished"


def test_an_attempt_after_the_end_counts(run: Run, dead: int) -> None:
    run.events.write(Stopped, step=3)
    work(run)
    run.events.write(Queued)
    assert run.state() == "queued"
    run.events.write(Started, pid=os.getpid(), resumed_from="checkpoint-3")
    assert run.state() == "running"
    work(run, dead)
    assert run.state() == "lost"


def test_a_torn_end_is_no_end(run: Run, dead: int) -> None:
    work(run, dead)
    run.events.write(Started, pid=dead)
    finish(run)
    run.events_path.write_bytes(run.events_path.read_bytes()[:-20])
    assert run.state() == "lost"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": "x", "started": 1}'])
def test_a_broken_claim_is_no_claim(run: Run, content: str) -> None:
    (run.folder / "worker.json").write_text(content)
    assert run.worker() is None
    assert run.state() == "queued"
    run.events.write(Started, pid=1)
    assert run.state() == "lost"


# summary


def test_a_summary_has_exactly_the_promised_parts(run: Run) -> None:
    summary = run.summary()
    assert " ".join(summary) == (
        "id name state created started ended config progress last checkpoints output error diagnosis waits "
        "paused"
    )
    assert set(summary["progress"]) == {"step", "total_steps", "eta_seconds"}
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["state"], summary["started"], summary["ended"], summary["error"]) == (
        "queued",
        None,
        None,
        None,
    )
    assert summary["created"] is not None
    assert summary["config"]["lora_rank"] == 8
    assert summary["output"] == str(run.folder / "output")


def test_the_brief_of_a_list_says_what_the_summary_says() -> None:
    run = create(config(run_name="mine"))
    work(run)
    run.events.write(Started, pid=os.getpid())
    run.events.write(Metrics, step=2, total_steps=8, loss=1.0, eta_seconds=6.0)
    run.events.write(Queued)
    brief, summary = run.brief(), run.summary()
    assert brief["name"] == "mine"
    assert brief == {key: summary[key] for key in brief}


def test_a_summary_of_a_run_at_work(run: Run) -> None:
    work(run)
    run.events.write(Started, pid=os.getpid())
    run.events.write(Metrics, step=1, total_steps=8, loss=2.0, eval_loss=3.0, eta_seconds=7.0)
    run.events.write(Metrics, step=2, total_steps=8, loss=1.0, eta_seconds=6.0)
    summary = run.summary()
    assert summary["progress"] == {"step": 2, "total_steps": 8, "eta_seconds": 6.0}
    assert summary["last"] == {"step": 2, "total_steps": 8, "loss": 1.0, "eval_loss": 3.0, "eta_seconds": 6.0}
    assert summary["started"] >= summary["created"]
    assert summary["ended"] is None
    finish(run)
    summary = run.summary()
    assert summary["state"] == "finished"
    assert summary["progress"]["eta_seconds"] is None
    assert summary["ended"] >= summary["started"]


def test_a_summary_tells_why_a_run_failed_until_it_is_resumed(run: Run, dead: int) -> None:
    work(run, dead)
    run.events.write(Failed, error="TrainingError", message="Out of memory.", hint="Halve it.")
    assert run.summary()["error"] == {
        "kind": "TrainingError",
        "message": "Out of memory.",
        "hint": "Halve it.",
    }
    run.events.write(Diagnosis, message="The loss rose.")
    assert run.summary()["diagnosis"] == ["The loss rose."]
    work(run)
    run.events.write(Started, pid=os.getpid())
    assert run.summary()["error"] is None


def test_checkpoints_come_in_the_order_of_their_steps(run: Run) -> None:
    for name in ("checkpoint-100", "checkpoint-9", "checkpoint-x", ".conch-tmp-1", "checkpoint-20"):
        (run.output / name).mkdir(parents=True)
    (run.output / "checkpoint-7").write_text("no folder")
    run.events.write(Checkpoint, step=9, path="checkpoint-9")
    expected = [str(run.output / f"checkpoint-{step}") for step in (9, 20, 100)]
    assert run.summary()["checkpoints"] == expected


def test_the_output_may_lie_elsewhere(tmp_path: Path) -> None:
    run = create(config(output_dir=str(tmp_path / "out"), run_name="mine"))
    assert run.output == tmp_path / "out"
    assert run.summary()["name"] == "mine"


@pytest.mark.parametrize("content", [b"", b"a: [", b"- 1\n", b"\xff\xfe", b"text"])
def test_a_broken_config_breaks_no_list(run: Run, content: bytes) -> None:
    create(config())
    run.config_path.write_bytes(content)
    summaries = {r.id: r.summary() for r in list_runs()}
    assert len(summaries) == 2
    assert summaries[run.id]["config"] == {}
    assert summaries[run.id]["name"] == run.id


# all runs


def make(name: str) -> Run:
    folder = runs_folder() / name
    shutil.copytree(create(config(run_name="name of " + name)).folder, folder)
    return Run(folder)


@pytest.fixture
def three() -> list[Run]:
    runs = [make(name) for name in ("20240101-000000-aaaa", "20240101-000000-aabb", "20250101-000000-cccc")]
    for run in list_runs():
        if run not in runs:
            shutil.rmtree(run.folder)
    return runs


def test_runs_are_listed_newest_first(three: list[Run], home: Path) -> None:
    (home / "runs" / "no-run").mkdir()
    (home / "runs" / "file").write_text("x")
    making = home / "runs" / ".conch-tmp-x"
    making.mkdir()
    (making / "config.yaml").write_text("dataset: x\n")
    assert list_runs() == [three[2], three[1], three[0]]


def test_without_runs_the_list_is_empty() -> None:
    assert list_runs() == []
    with pytest.raises(RunError) as error:
        find("latest")
    assert error.value.key == "runs.unknown"


def test_a_run_is_found_by_all_its_names(three: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = three
    assert find(first.id) == first
    assert find("20240101-000000-aab") == second
    assert find("2025") == third
    assert find("name of " + second.id) == second
    assert find("latest") == third
    assert find(str(second.folder)) == second
    monkeypatch.chdir(second.folder.parent)
    assert find(f"./{second.id}") == second


def test_a_whole_id_beats_longer_ones(three: list[Run]) -> None:
    longer = make(three[0].id + "-2")
    assert find(three[0].id) == three[0]
    assert find(longer.id) == longer


@pytest.mark.parametrize("name", ["2024", "20240101-000000-aa"])
def test_a_start_that_fits_several_names_them(three: list[Run], name: str) -> None:
    with pytest.raises(RunError) as error:
        find(name)
    assert error.value.key == "runs.ambiguous"
    assert three[0].id in str(error.value)
    assert three[1].id in str(error.value)
    assert three[2].id not in str(error.value)


@pytest.mark.parametrize("name", ["nobody", "", "aaaa", "/nowhere", "2026"])
def test_a_name_that_fits_none(three: list[Run], name: str) -> None:
    with pytest.raises(RunError) as error:
        find(name)
    assert error.value.key == "runs.unknown"
    assert error.value.hint


def test_no_name_means_no_run_although_there_is_but_one(run: Run) -> None:
    with pytest.raises(RunError):
        find("")


def test_only_whole_ids_are_runs_to_the_model_finder(three: list[Run]) -> None:
    assert store.is_run(three[0].id)
    for name in ("", "2025", "/" + three[0].id, "nobody"):
        assert not store.is_run(name)


def test_a_run_at_work_is_not_removed(run: Run, dead: int) -> None:
    work(run)
    for ask in (lambda: None, run.ask_to_stop):
        ask()
        with pytest.raises(RunError) as error:
            store.remove(run)
        assert error.value.key == "runs.busy"
        assert run.state() in str(error.value)
        assert run.folder.is_dir()
    work(run, dead)
    assert run.state() in ENDED
    store.remove(run)
    assert list_runs() == []


@pytest.mark.parametrize("end", [None, Stopped])
def test_runs_that_wait_or_have_ended_are_removed(run: Run, end: type | None) -> None:
    if end is not None:
        run.events.write(end, step=1)
    store.remove(run)
    assert not run.folder.exists()


def test_every_error_about_runs_is_raised_by_a_test() -> None:
    from conch.core.text.runs import TEXTS

    here = Path(__file__).parents[1]
    files = [here / "test_submit.py", *here.glob("runs/*.py"), *here.glob("cli/*.py")]
    tests = "".join(file.read_text(encoding="utf-8") for file in files)
    errors = {key.removesuffix(".fix") for key in TEXTS if key.endswith(".fix")}
    assert {key for key in errors if f'"{key}"' not in tests} == set()
