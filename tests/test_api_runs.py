"""`conch.train()` is a run among runs: it waits, is seen, can be stopped; its Python lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conch.core.events import Checkpoint, Finished, Stopped
from conch.runs import Run, control, list_runs, provenance
from conch.runs.claim import acquire
from conch.runs.devices import Pool
from conch.submit import resume, submit
from tests.cli.program import call
from tests.runs.conftest import stub  # noqa: F401 - a fixture
from tests.runs.helpers import FOREVER, config, leftovers, of, started, wait_for, waited

pytestmark = pytest.mark.usefixtures("stub")

TRAIN = """
import conch
def train(model, rows, steps):
    return conch.train(model_name_or_path=model, dataset=rows, max_steps=int(steps))
"""
WITHOUT_TORCH = """
from pathlib import Path
from conch.runs import store
from conch.worker import work_here
from tests.runs.helpers import config
def train(model, rows, steps):
    asked = config(Path(model), Path(rows), max_steps=int(steps))
    run = store.create(asked)
    work_here(run, asked, lambda place: None)
    return run
"""
"""What `conch.train` does, without the seconds that its imports take."""
ROOT = Path(__file__).parents[1]
"""Where the process finds the tests' own helpers."""
SOMEBODY = """
import sys
try:
    run = train(*sys.argv[1:])
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print(run.state(), flush=True)
input()
"""
"""Somebody's own Python, which goes on until it is given a line."""


class Notebook:
    """A process that has called `conch.train`."""

    def __init__(self, model: Path, rows: Path, steps: int, train: str) -> None:
        command = [sys.executable, "-c", train + SOMEBODY, str(model), str(rows), str(steps)]
        pipe = subprocess.PIPE
        # a session of its own, as the kernel of a notebook has
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True, cwd=ROOT
        )
        wait_for(lambda: list_runs() or self.process.poll() is not None)
        self.run: Run = list_runs()[0]
        wait_for(lambda: self.run.worker() is not None and self.run.worker().shared)

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> str:
        """Let it end; returns what it warned of."""
        return self.process.communicate("\n")[1]


Opens = Callable[..., Notebook]


@pytest.fixture
def notebook(tiny_folder: Path, rows: Path) -> Iterator[Opens]:
    """Opens one that trains so many steps; none is left at the end."""
    opened: list[Notebook] = []

    def open_one(steps: int, train: str = WITHOUT_TORCH) -> Notebook:
        opened.append(Notebook(tiny_folder, rows, steps, train))
        return opened[-1]

    yield open_one
    for each in opened:
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def busy() -> Iterator[Path]:
    _, slot = Pool("cpu", ("cpu",)).slots()[0]
    claim = acquire(slot, run="/runs/somebody")
    assert claim is not None
    yield slot
    claim.release()


def test_it_waits_for_its_turn_and_is_seen(
    notebook: Opens, tiny_folder: Path, rows: Path, busy: Path
) -> None:
    python = notebook(3, TRAIN)
    run = python.run
    wait_for(lambda: waited(run))
    assert run.state() == "queued"
    assert "waits for cpu, number 1 in line, behind somebody" in call("runs", "list").out
    after = submit(config(tiny_folder, rows))
    busy.unlink()
    assert python.says() == "finished"
    assert len(started(run)) == 1
    assert of(run, Finished)
    assert run.worker() is None, "it is given up, although the process lives"
    assert provenance.read(run.provenance_path) is not None
    wait_for(lambda: after.state() == "finished")
    assert of(run, Finished)[0].t <= started(after)[0].t
    assert f"Run {run.id} waits for cpu: number 1 in line, behind somebody." in python.end()
    assert list(leftovers()) == []


def test_stopped_from_elsewhere_it_saves_and_its_python_lives_on(notebook: Opens) -> None:
    python = notebook(FOREVER)
    run = python.run
    wait_for(lambda: control.standing(run).step > 0)
    assert call("runs", "save", run.id).code == 0
    assert call("runs", "stop", run.id).code == 0
    assert python.says() == "stopped"
    assert len(of(run, Checkpoint)) == 2
    assert python.is_alive()
    plan = resume(run)
    assert plan.step == of(run, Stopped)[0].step
    wait_for(lambda: len(started(run)) == 2)
    assert control.cancel(run) == 1, "that worker was a process of its own"
    assert python.is_alive()
    python.end()


@pytest.mark.parametrize("waiting", [True, False])
def test_cancelled_it_leaves_the_run_and_its_python_lives_on(
    notebook: Opens, waiting: bool, request: pytest.FixtureRequest
) -> None:
    if waiting:
        request.getfixturevalue("busy")
    python = notebook(FOREVER)
    run = python.run
    wait_for(lambda: waited(run) if waiting else control.standing(run).step > 0)
    assert call("runs", "cancel", run.id).code == 0
    assert run.state() == "stopped"
    assert python.says() == "stopped"
    assert (of(run, Checkpoint), len(of(run, Stopped))) == ([], 1)
    assert python.is_alive()
    python.end()


def test_interrupted_while_it_waits_it_leaves_the_queue(notebook: Opens, busy: Path) -> None:
    python = notebook(3)
    wait_for(lambda: waited(python.run))
    os.kill(python.process.pid, signal.SIGINT)
    assert python.says() == "interrupted"
    assert python.run.state() == "stopped"
    assert [path for path in leftovers() if path != busy] == []
    python.end()


def test_a_python_that_is_killed_loses_its_run(notebook: Opens) -> None:
    python = notebook(FOREVER)
    wait_for(lambda: control.standing(python.run).step > 0)
    python.process.kill()
    python.process.communicate()
    assert python.run.state() == "lost"
    assert "killed from outside" in call("runs", "show", python.run.id).out
