"""What surrounds the work of a run: how it begins, and how it ends when it can't go on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from conch import worker
from conch.core.events import Checkpoint, Stopped
from conch.runs import Run, store
from conch.runs.log import PatientLog
from conch.runs.reserve import Reserve
from conch.worker import execute, wait_and_execute
from tests.faults import Faults, faulty
from tests.runs.helpers import config, of, wait_for


@pytest.fixture
def run(tiny_folder: Path, rows: Path) -> Run:
    return store.create(config(tiny_folder, rows))


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that looks for room without pauses."""
    settle = PatientLog.settle
    monkeypatch.setattr(PatientLog, "settle", lambda *given: settle(*given, pause=0.01))


def test_the_heart_beats_while_others_are_looked_at(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.claim(os.getpid())
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker, "forgive_output", lambda: None)
    monkeypatch.setattr(worker, "tell_losses", lambda: wait_for(run.heartbeat_path.exists, 10))
    monkeypatch.setattr(worker, "wait_and_execute", lambda *_: True)
    assert worker.main([str(run.folder)]) == 0


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(worker.CANCELLED)])
def test_who_is_interrupted_keeps_no_room(
    run: Run, end: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(run: Run, *_: object) -> None:
        assert Reserve.of(run.folder).folder.is_dir()
        raise end

    monkeypatch.setattr(worker, "_train", interrupt)
    with pytest.raises(type(end)):
        execute(run)
    assert not Reserve.of(run.folder).folder.exists()


@pytest.mark.usefixtures("hasty")
def test_a_disk_that_is_full_from_the_beginning_hears_of_the_failure_later(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the worker's record nor the news of that find room; a moment later there is some."""
    with faulty(Faults(run.id, errno.ENOSPC, count=3)) as faults:
        assert not execute(run)
    assert {Path(path).name for path in faults.refused} == {"worker.json", "events.jsonl"}
    assert run.state() == "failed"
    assert "worker.json" in run.summary()["error"]["message"]
    assert "worker.json" in capsys.readouterr().err, "in case that the disk had stayed full"


@pytest.mark.usefixtures("hasty")
def test_who_leaves_the_line_waits_for_room_to_say_so(run: Run) -> None:
    run.claim(os.getpid())
    run.events.write(Checkpoint, step=5, path=str(run.output / "checkpoint-5"))
    run.ask_to_stop()
    with faulty(Faults("events.jsonl", errno.ENOSPC, count=3)) as faults:
        assert wait_and_execute(run, None)
    assert len(faults.refused) == 3
    assert run.state() == "stopped"
    assert [event.checkpoint for event in of(run, Stopped)] == [None], "what is not there is not named"


@pytest.mark.usefixtures("hasty")
def test_who_is_cancelled_does_not_wait_for_room(run: Run) -> None:
    run.claim(os.getpid(), shared=True)
    run.cancel_path.touch()
    with faulty(Faults("events.jsonl", errno.ENOSPC, count=10**9)):
        assert wait_and_execute(run, None, shared=True)
    run.worker_path.unlink()  # as whoever hosted it does
    assert run.state() == "stopping", "soon it counts as stopped: there is a file that says so"
    os.utime(run.cancel_path, (0, 0))
    assert run.state() == "stopped"


def test_a_run_that_is_cancelled_does_not_fail_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that read ahead are ended, too, and may be the first to go: the worker misses them."""

    def miss(run: Run, *_: object) -> None:
        run.cancel_path.touch()
        raise RuntimeError("DataLoader worker (pid 7) exited unexpectedly")

    monkeypatch.setattr(worker, "_train", miss)
    assert execute(run)
    assert isinstance(run.turn(), Stopped)
