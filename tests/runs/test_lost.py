"""Why a worker is gone, as far as it can be known."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conch.core.errors import RunError
from conch.core.events import Started
from conch.core.leftovers import hostname
from conch.runs import Run, lost
from conch.runs.process import Worker, boot_id, identify
from conch.submit import submit
from tests.cli.made_up import made_up_run
from tests.cli.program import call
from tests.runs.helpers import FOREVER, config, processes, wait_for

NAME = "20250101-000000-aaaa"


@pytest.fixture
def run() -> Run:
    return made_up_run(NAME, "no end")


@pytest.fixture
def dead() -> dict[str, Any]:
    """The record of a process that was, and is gone."""
    child = subprocess.Popen(["sleep", "900"])
    record = identify(child.pid).to_dict()
    child.kill()
    child.wait()
    return record


@pytest.fixture
def living() -> Iterator[int]:
    child = subprocess.Popen(["sleep", "900"])
    yield child.pid
    child.kill()
    child.wait()


def gone(run: Run, dead: dict[str, Any], **facts: Any) -> str:
    """The key of the cause that is told for a worker that died, after checking that it is told everywhere."""
    run.worker_path.write_text(json.dumps({**dead, **facts}))
    assert run.state() == "lost"
    cause = run.lost()
    assert isinstance(cause, RunError)
    error = run.summary()["error"]
    assert error == {"kind": "LostError", "message": cause.message, "hint": cause.hint}
    shown = call("runs", "show", run.id).out
    assert cause.message in shown
    assert f"conch runs resume {run.id}" in shown
    assert cause.message in call("runs", "follow", run.id).err
    return cause.key


def test_killed_from_outside(run: Run, dead: dict[str, Any]) -> None:
    assert gone(run, dead) == "runs.lost_killed"


def test_the_machine_was_restarted(run: Run, living: int) -> None:
    """Another process may have the number by now."""
    record = identify(living).to_dict()
    assert gone(run, {**record, "boot": "an earlier one"}) == "runs.lost_restarted"


def test_out_of_memory(run: Run, dead: dict[str, Any], tmp_path: Path) -> None:
    events = tmp_path / "memory.events"
    events.write_text("low 0\noom 1\noom_kill 2\n")
    nowhere = str(tmp_path / "gone")
    assert gone(run, dead, killed={nowhere: 0, str(events): 1}) == "runs.lost_memory"
    assert gone(run, dead, killed={str(events): 2, "/proc/vmstat": -1}) == "runs.lost_killed", (
        "the nearest counts"
    )
    ended = {nowhere: 0, str(events): 2, "/proc/vmstat": -1}
    assert gone(run, dead, killed=ended) == "runs.lost_memory", "a group that went with its worker"


def test_crashed_in_a_library(run: Run, dead: dict[str, Any]) -> None:
    run.log_path.write_text("Fatal Python error: Aborted\n")
    begin = run.log_path.stat().st_size
    with run.log_path.open("a") as file:
        file.write("some words\nFatal Python error: Segmentation fault\n\nThread 0x01:\n")
    assert gone(run, dead, log_bytes=begin) == "runs.lost_crashed"
    assert "Segmentation fault" in run.lost().message
    assert gone(run, dead, log_bytes=run.log_path.stat().st_size) == "runs.lost_killed", (
        "an earlier attempt's"
    )


def test_the_disk_is_full(run: Run, dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost.disk, "free_bytes", lambda folder: 0)
    assert gone(run, dead) == "runs.lost_disk"
    monkeypatch.undo()


def test_the_log_tells_of_a_full_disk(run: Run, dead: dict[str, Any]) -> None:
    run.log_path.write_text("OSError: [Errno 28] No space left on device\n")
    assert gone(run, dead) == "runs.lost_disk"


def test_a_folder_that_cannot_be_written(
    run: Run, dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost.os, "access", lambda folder, mode: False)
    assert gone(run, dead) == "runs.lost_unwritable"
    monkeypatch.undo()


def test_silence_of_another_host(run: Run, dead: dict[str, Any]) -> None:
    run.heartbeat_path.touch()
    run.worker_path.write_text(json.dumps({**dead, "host": "elsewhere"}))
    assert run.state() == "running", "its heart beats"
    old = time.time() - 600
    os.utime(run.heartbeat_path, (old, old))
    assert gone(run, dead, host="elsewhere") == "runs.lost_silent"
    assert "elsewhere" in run.lost().message
    seconds = re.search(r"(\d+) seconds", run.lost().message)
    assert seconds is not None
    assert int(seconds[1]) >= 600


def test_without_a_record_nothing_is_known(run: Run) -> None:
    run.events.write(Started, pid=1)
    assert run.state() == "lost"
    assert run.lost().key == "runs.lost"


def test_kills_are_counted_where_this_process_lives() -> None:
    counts = lost.memory_kills(os.getpid())
    assert all(Path(name).is_file() and count >= 0 for name, count in counts.items())
    if Path("/proc/vmstat").exists():
        assert "/proc/vmstat" in counts


@pytest.mark.usefixtures("stub")
def test_a_crash_of_a_real_worker_is_told(tiny_folder: Path, rows: Path) -> None:
    run = submit(config(tiny_folder, rows, max_steps=FOREVER))
    wait_for(lambda: run.state() == "running")
    worker = run.worker()
    assert worker is not None
    assert worker.host == hostname()
    assert worker.boot == boot_id()
    os.kill(worker.pid, signal.SIGSEGV)
    wait_for(lambda: run.state() == "lost")
    assert run.lost().key == "runs.lost_crashed"
    assert not processes([run])


# processes


def test_a_process_is_known_by_its_start(living: int) -> None:
    worker = identify(living)
    assert worker.is_alive()
    assert Worker.from_dict(worker.to_dict()) == worker
    assert worker.ticks is not None
    assert not Worker(living, worker.started, ticks=worker.ticks + 1).is_alive()
    assert Worker(living, identify(living).started).is_alive(), "by time, where no ticks were counted"
    assert not Worker(living, 0.0).is_alive()
