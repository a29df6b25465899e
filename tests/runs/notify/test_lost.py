"""A run that was lost is told of once, by whoever notices, and its command is not run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conch.core.events import Warned
from conch.core.files import TEMPORARY_PREFIX
from conch.runs import Run, control, list_runs, store
from conch.runs.notify import lost
from conch.runs.run import ENDED
from conch.submit import resume, submit
from tests.cli.program import call
from tests.runs.helpers import FOREVER, config, of, processes, wait_for
from tests.runs.notify.servers import Robot, robot

pytestmark = pytest.mark.usefixtures("stub")


@pytest.fixture
def phone() -> Iterator[Robot]:
    with robot() as server:
        yield server


def at_work(model: Path, rows: Path, phone: Robot, **settings: object) -> Run:
    run = submit(config(model, rows, max_steps=FOREVER, notify=phone.url, **settings))
    wait_for(lambda: control.standing(run).step > 0)
    return run


def kill(run: Run) -> None:
    worker = run.worker()
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: run.state() == "lost")


def told(run: Run) -> list[str]:
    return [path.name for path in run.folder.glob("told-*")]


def telling(run: Run) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "conch.runs.notify", str(run.folder)])


def test_of_many_who_notice_at_once_one_tells(tiny_folder: Path, rows: Path, phone: Robot) -> None:
    run = at_work(tiny_folder, rows, phone, after_command="touch ran", run_name="burger")
    kill(run)
    for process in [telling(run) for _ in range(6)]:
        assert process.wait() == 0
    (body,) = phone.bodies
    assert (body["event"], body["run"]) == ("lost", run.id)
    assert "burger" in body["title"]
    assert "killed from outside" in body["text"]
    assert "after_command was not run" in body["text"]
    assert f"conch runs resume {run.id}" in body["text"]
    assert not (run.folder / "ran").exists()
    assert not lost.tell_if_lost(run), "there is nothing more to tell"
    assert not list(run.folder.glob(f"{TEMPORARY_PREFIX}*"))


def test_the_next_in_line_notices(tiny_folder: Path, rows: Path, phone: Robot) -> None:
    run = at_work(tiny_folder, rows, phone)
    waiting = submit(config(tiny_folder, rows))
    kill(run)
    wait_for(lambda: waiting.state() == "finished")
    wait_for(lambda: phone.bodies)
    assert phone.bodies[0]["run"] == run.id


def test_a_run_that_was_killed_while_it_waited_is_told_of(
    tiny_folder: Path, rows: Path, phone: Robot
) -> None:
    first = at_work(tiny_folder, rows, phone)
    second = submit(config(tiny_folder, rows, notify=phone.url))
    third = submit(config(tiny_folder, rows))
    wait_for(lambda: second.state() == third.state() == "queued" and second.worker() is not None)
    kill(second)
    wait_for(lambda: phone.bodies)
    assert phone.bodies[0]["run"] == second.id
    control.cancel(first)
    wait_for(lambda: third.state() == "finished")


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("show", "latest"), ("follow", "latest")])
def test_who_looks_notices(tiny_folder: Path, rows: Path, phone: Robot, words: tuple[str, ...]) -> None:
    run = at_work(tiny_folder, rows, phone)
    kill(run)
    for _ in range(2):
        call("runs", *words)
        wait_for(lambda: told(run) and phone.bodies)
    wait_for(lambda: not telling_processes(run))
    assert len(phone.bodies) == len(told(run)) == 1


def test_a_run_that_cannot_be_read_keeps_nobody_from_the_others(
    tiny_folder: Path, rows: Path, phone: Robot
) -> None:
    run = at_work(tiny_folder, rows, phone)
    kill(run)
    broken = store.create(config(tiny_folder, rows))
    broken.events_path.unlink()
    broken.events_path.mkdir()
    other = submit(config(tiny_folder, rows))
    wait_for(lambda: other.state() in ENDED)
    assert other.state() == "finished"
    wait_for(lambda: phone.bodies)
    assert phone.bodies[0]["run"] == run.id


def test_a_server_and_the_next_run_notice(tiny_folder: Path, rows: Path, phone: Robot) -> None:
    run = at_work(tiny_folder, rows, phone)
    kill(run)
    with lost.watching(0.05):
        wait_for(lambda: phone.bodies)
    other = at_work(tiny_folder, rows, phone)
    kill(other)
    submit(config(tiny_folder, rows))
    wait_for(lambda: len(phone.bodies) == 2)
    assert [body["run"] for body in phone.bodies] == [run.id, other.id]


def test_every_loss_of_a_run_is_told(tiny_folder: Path, rows: Path, phone: Robot) -> None:
    run = at_work(tiny_folder, rows, phone)
    for count in (1, 2):
        kill(run)
        assert lost.tell_loss(run, pause=0)
        assert not lost.tell_loss(run, pause=0)
        assert len(phone.bodies) == count
        if count == 1:
            step = control.standing(run).step
            resume(run)
            wait_for(lambda step=step: run.state() == "running" and control.standing(run).step != step)
            assert not lost.tell_loss(run, pause=0), "it lives"


def test_who_cannot_be_told_is_a_warning(tiny_folder: Path, rows: Path) -> None:
    with robot(status=500) as broken:
        run = at_work(tiny_folder, rows, broken)
        kill(run)
        assert lost.tell_loss(run, pause=0)
    (warned,) = of(run, Warned)
    assert "500" in warned.message
    assert run.state() == "lost"


def test_nobody_is_told_of_runs_that_name_nobody(tiny_folder: Path, rows: Path) -> None:
    run = submit(config(tiny_folder, rows, max_steps=FOREVER))
    wait_for(lambda: run.state() == "running")
    kill(run)
    assert not lost.tell_if_lost(run)
    lost.tell_losses()
    assert told(run) == []
    assert not processes(list_runs())


def telling_processes(run: Run) -> list[int]:
    """Processes that were started to tell, still at it."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "conch.runs.notify" in words and str(run.folder) in words:
            found.append(process.pid)
    return found
