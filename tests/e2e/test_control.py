"""A real training: saved in the middle, cancelled, and gone on with for longer than was first asked."""

from __future__ import annotations

from pathlib import Path

from conch.core.events import Finished, Started
from conch.runs import Run, control, read_events
from conch.submit import plan_resume, submit
from conch.training.checkpoint import is_whole, step_of
from tests.cli.program import call
from tests.runs.helpers import config, processes, wait_for
from tests.training.helpers import BASIC


def test_save_cancel_and_resume_for_longer(tiny_folder: Path, rows: Path) -> None:
    settings = {**BASIC, "max_steps": -1, "num_train_epochs": 5000, "save_steps": 100_000}
    run = submit(config(tiny_folder, rows, **settings))
    wait_for(lambda: control.standing(run).step > 0)
    saved = control.save_now(run)
    assert saved is not None
    assert is_whole(Path(saved.path))
    wait_for(lambda: control.standing(run).step > saved.step)
    assert call("runs", "cancel", run.id).code == 0
    assert run.state() == "stopped"
    assert not processes([run])
    assert [step_of(path) for path in run.checkpoints()] == [saved.step], "cancelling saved nothing"
    plan = plan_resume(run)
    assert (plan.checkpoint, plan.step) == (Path(saved.path), saved.step)
    assert call("runs", "resume", run.id, "--max-steps", str(saved.step + 5)).code == 0
    events = read_events(run.events_path)
    assert [event.step for event in events if isinstance(event, Finished)] == [saved.step + 5]
    assert [event for event in events if isinstance(event, Started)][-1].resumed_from == saved.path
    assert Run(run.folder).config().optimisation.max_steps == saved.step + 5
