"""Stop, save and cancel: each waits until it is so, and nothing of the run is left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from conch.core.errors import RunError
from conch.core.events import Checkpoint, Finished, Metrics, Stopped
from conch.core.text import tr
from conch.runs import Run, control, store
from conch.runs.process import identify
from conch.runs.reserve import Reserve
from conch.submit import resume, submit
from tests.cli.program import call
from tests.runs.helpers import FOREVER, config, leftovers, of, processes, started, wait_for


def at_work(model: Path, rows: Path, **settings: object) -> Run:
    run = submit(config(model, rows, max_steps=FOREVER, **settings))
    wait_for(lambda: control.standing(run).step > 0)
    return run


@pytest.mark.usefixtures("stub")
def test_stop_saves_and_says_what_it_will_do_and_did(tiny_folder: Path, rows: Path) -> None:
    run = at_work(tiny_folder, rows)
    stopped = call("runs", "stop", run.id)
    assert stopped.code == 0
    assert "will save after the step in hand and stop" in stopped.err
    assert "stopped" in stopped.out
    assert f"conch runs resume {run.id}" in stopped.out
    (end,) = of(run, Stopped)
    assert end.checkpoint == str(run.output / f"checkpoint-{end.step}")
    assert f"Stopped at step {end.step}; saved: {end.checkpoint}" in stopped.err
    assert not processes([run])
    plan = resume(run)
    assert (plan.checkpoint, plan.step) == (Path(end.checkpoint), end.step)
    control.cancel(run)


@pytest.mark.usefixtures("stub")
def test_save_keeps_a_checkpoint_and_goes_on(tiny_folder: Path, rows: Path) -> None:
    run = at_work(tiny_folder, rows)
    saved = call("runs", "save", run.id, "--json")
    assert saved.code == 0
    assert "and go on" in saved.err
    facts = saved.json()
    assert Path(facts["checkpoint"]).is_dir()
    assert run.state() == "running"
    wait_for(lambda: control.standing(run).step > facts["step"] + 2)
    assert len(of(run, Checkpoint)) == 1, "asked once, saved once"
    control.cancel(run)
    refused = call("runs", "save", run.id)
    assert refused.code == 1
    assert "stopped" in refused.err


@pytest.mark.usefixtures("stub")
def test_a_run_that_ends_before_it_saves_is_told(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at_work(tiny_folder, rows)
    monkeypatch.setattr(Run, "ask_to_save", lambda self: control.cancel(self))
    refused = call("runs", "save", run.id, "--json")
    assert refused.code == 1
    assert refused.json()["error"]["message"] == tr("runs.not_saved", name=run.id, state="stopped")


@pytest.mark.usefixtures("stub")
def test_cancel_ends_the_whole_tree_without_saving(tiny_folder: Path, rows: Path) -> None:
    """A child that is deaf to SIGTERM, and a grandchild with neither parent nor session of the run."""
    run = at_work(tiny_folder, rows, run_name="family")
    family = [psutil.Process(int(pid)) for pid in (run.output / "family").read_text().split()]
    assert all(process.is_running() for process in family)
    worker = run.worker()
    assert worker is not None
    assert len(control.members(run)) == 3
    assert control.cancel(run, grace=0.5) == 3
    assert not worker.is_alive()
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))
    assert run.state() == "stopped"
    assert len(of(run, Stopped)) == 1
    assert of(run, Checkpoint) == []
    assert list(leftovers()) == []
    assert call("runs", "resume", run.id, "--detach").code == 0
    wait_for(lambda: len(started(run)) == 2)
    assert call("runs", "cancel", run.id).code == 0


@pytest.mark.usefixtures("stub")
def test_cancel_says_what_is_kept(tiny_folder: Path, rows: Path) -> None:
    run = at_work(tiny_folder, rows)
    saved = control.save_now(run)
    assert saved is not None
    cancelled = call("runs", "cancel", run.id)
    assert f"since {saved.path} is lost" in cancelled.err
    assert "left: none" in cancelled.err
    assert run.state() == "stopped"
    assert of(run, Stopped)[0].checkpoint == saved.path
    assert call("runs", "cancel", run.id).code == 1, "there is nothing to cancel"


def test_stopping_leaves_no_straggler(tiny_folder: Path, rows: Path, stub: None) -> None:
    run = at_work(tiny_folder, rows, run_name="family")
    assert call("runs", "stop", run.id).code == 0
    assert run.state() == "stopped"
    assert not processes([run])


@pytest.mark.usefixtures("stub")
def test_what_a_lost_worker_left_is_ended_before_the_run_goes_on(tiny_folder: Path, rows: Path) -> None:
    run = at_work(tiny_folder, rows, run_name="family")
    family = {int(pid) for pid in (run.output / "family").read_text().split()}
    worker = run.worker()
    assert worker is not None
    os.kill(worker.pid, 9)
    wait_for(lambda: run.state() == "lost")
    assert {process.pid for process in processes([run])} == family
    resume(run)
    assert not {process.pid for process in processes([run])} & family
    control.cancel(run)


@pytest.mark.usefixtures("stub")
def test_a_cancelled_run_keeps_no_room_for_its_news(tiny_folder: Path, rows: Path) -> None:
    """Neither where the worker ends by itself, nor where it is deaf and has to be killed."""
    for deaf in (False, True):
        run = at_work(tiny_folder, rows)
        assert Reserve.of(run.folder).folder.is_dir()
        worker = run.worker()
        assert worker is not None
        if deaf:
            os.kill(worker.pid, signal.SIGSTOP)
        control.cancel(run, grace=0.1 if deaf else control.GRACE_SECONDS)
        assert run.state() == "stopped"
        assert not Reserve.of(run.folder).folder.exists()


def test_a_checkpoint_that_is_gone_is_not_told(tiny_folder: Path, rows: Path) -> None:
    run = store.create(config(tiny_folder, rows))
    run.events.write(Metrics, step=7)
    run.events.write(Checkpoint, step=5, path=str(run.output / "checkpoint-5"))
    control.tell_left(run)
    assert [(event.step, event.checkpoint) for event in of(run, Stopped)] == [(7, None)]


def test_a_worker_on_another_host_is_not_cancelled_from_here(tiny_folder: Path, rows: Path) -> None:
    run = store.create(config(tiny_folder, rows))
    record = {**identify(os.getpid()).to_dict(), "host": "elsewhere"}
    run.worker_path.write_text(json.dumps(record))
    run.heartbeat_path.touch()
    assert run.state() == "queued", "its heart beats"
    with pytest.raises(RunError) as error:
        control.cancel(run)
    assert error.value.key == "runs.elsewhere"


def test_who_cannot_be_ended_is_named(tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(config(tiny_folder, rows))
    monkeypatch.setattr(control, "members", lambda run: [psutil.Process()])
    monkeypatch.setattr(control, "KILL_SECONDS", 0.0)
    monkeypatch.setattr(control, "_ask", lambda ask, processes: None)
    with pytest.raises(RunError) as error:
        control.end_processes(run, grace=0.0)
    assert error.value.key == "runs.not_ended"
    assert str(os.getpid()) in error.value.message


def test_what_was_not_begun_can_be_neither_stopped_nor_cancelled(tiny_folder: Path, rows: Path) -> None:
    run = store.create(config(tiny_folder, rows))
    for order in (control.ask_to_stop, control.cancel, control.save_now):
        with pytest.raises(RunError) as error:
            order(run)
        assert error.value.key == "runs.not_busy"


@pytest.mark.usefixtures("stub")
def test_a_run_that_finished_meanwhile_stays_finished(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at_work(tiny_folder, rows)
    end = control.end_processes

    def finish_first(run: Run, grace: float) -> int:
        run.events.write(Finished, step=1, train_seconds=1.0, tokens=1, tokens_per_second=1.0)
        return end(run, grace)

    monkeypatch.setattr(control, "end_processes", finish_first)
    control.cancel(run)
    assert run.state() == "finished"


@pytest.mark.usefixtures("stub")
def test_who_cancels_is_killed_and_the_run_is_stopped_all_the_same(tiny_folder: Path, rows: Path) -> None:
    run = at_work(tiny_folder, rows)
    worker = run.worker()
    assert worker is not None
    run.cancel_path.touch()
    os.kill(worker.pid, 15)
    wait_for(lambda: not worker.is_alive())
    run.cancel_path.touch()  # as if it had just been asked, however long that took
    assert run.state() == "stopping"
    old = time.time() - 60
    os.utime(run.cancel_path, (old, old))
    assert run.state() == "stopped"
    assert not processes([run])


def test_the_caller_is_spared(tiny_folder: Path, rows: Path) -> None:
    """Whoever cancels from inside of the run's environment does not end itself."""
    run = store.create(config(tiny_folder, rows))
    code = (
        "from conch.runs import Run, control; from pathlib import Path;"
        f"print(control.members(Run(Path({str(run.folder)!r}))))"
    )
    environment = {**os.environ, "CONCH_RUN": str(run.folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
