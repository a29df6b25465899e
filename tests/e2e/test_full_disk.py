"""Real workers on a real disk that is full to the last byte: they pause, are heard, and go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conch.core.events import Continued, Paused, Stopped
from conch.runs import Run, control, read_events
from conch.runs.run import ENDED
from tests.cli.program import call
from tests.faults import fill, small_disk
from tests.runs.helpers import processes, wait_for
from tests.tiny import write_rows
from tests.training.helpers import new_run

STEPS = 40


@pytest.fixture
def paused(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Run, Path]]:
    """A run that waits for room on a disk of 2 MB without a free byte, and the file that fills it."""
    from conch.runs.launch import launch

    rows = write_rows(tmp_path / "rows.json", 16)
    with small_disk(tmp_path / "disk", "2m") as disk:
        monkeypatch.setenv("CONCH_HOME", str(disk / "home"))
        run = new_run(tiny_folder, rows, save_steps=1, max_steps=STEPS)
        launch(run)
        wait_for(lambda: run.state() in {"paused", *ENDED}, 120)
        assert run.state() == "paused", run.summary()["error"]
        ballast = disk / "ballast"
        fill(ballast)
        yield run, ballast
        ballast.unlink(missing_ok=True)
        if run.state() not in ENDED:
            control.cancel(run)
        wait_for(lambda: not processes([run]))


def of(run: Run, *kinds: type) -> list:
    return [event for event in read_events(run.events_path) if isinstance(event, kinds)]


def test_it_is_shown_and_stops_when_asked(paused: tuple[Run, Path]) -> None:
    run, _ = paused
    listed = call("runs", "list")
    assert "paused" in listed.out
    shown = call("runs", "show", run.id)
    assert "Paused: checkpoint-" in shown.out
    assert "Make room there" in shown.out
    assert call("runs", "list", "--state", "paused", "--json").json()[0]["id"] == run.id
    stopped = call("runs", "stop", run.id)
    assert stopped.code == 0, stopped.err
    assert run.state() == "stopped"
    (end,) = of(run, Stopped)
    assert end.checkpoint is not None
    assert Path(end.checkpoint).is_dir()


def test_it_can_be_cancelled(paused: tuple[Run, Path]) -> None:
    run, _ = paused
    cancelled = call("runs", "cancel", run.id)
    assert cancelled.code == 0, cancelled.err
    wait_for(lambda: run.state() == "stopped", 30)
    assert not processes([run])


def test_it_goes_on_when_there_is_room(paused: tuple[Run, Path]) -> None:
    run, ballast = paused
    (before,) = of(run, Paused)
    ballast.unlink()
    make_room(run)
    wait_for(lambda: of(run, Continued), 60)
    (continued,) = of(run, Continued)
    assert continued.what == before.what
    assert (run.output / continued.what).is_dir()


def make_room(run: Run) -> None:
    """Remove the older half of the checkpoints, as a person would."""
    kept = run.checkpoints()
    for folder in kept[: len(kept) // 2]:
        shutil.rmtree(folder)
