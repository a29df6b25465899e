"""A real training that reads ahead: saved, stopped, cancelled, gone on with for longer than first asked."""

from __future__ import annotations

from pathlib import Path

from conch.core.events import Finished, Started
from conch.runs import Run, control, read_events
from conch.runs.checkpoints import step_of
from conch.submit import plan_resume, submit
from conch.training.checkpoint import is_whole
from tests.cli.program import call
from tests.runs.helpers import config, processes, wait_for
from tests.training.helpers import BASIC


def test_save_stop_cancel_and_resume_for_longer(tiny_folder: Path, rows: Path) -> None:
    settings = {**BASIC, "max_steps": -1, "num_train_epochs": 5000, "save_steps": 100_000}
    settings |= {"logging_steps": 7, "dataloader_num_workers": 2, "dataloader_persistent_workers": True}
    run = submit(config(tiny_folder, rows, **settings))
    wait_for(lambda: control.standing(run).step > 0)
    saved = control.save_now(run)
    assert saved is not None
    assert is_whole(Path(saved.path))
    wait_for(lambda: control.standing(run).step > saved.step)
    wait_for(lambda: len(processes([run])) == 3)  # the worker, and two who read ahead
    told = call("runs", "stop", run.id)
    assert told.code == 0
    assert not processes([run])
    (stopped,) = run.checkpoints()[1:]
    assert f"Stopped at step {step_of(stopped)};" in told.err, "not the last step that had been logged"
    assert run.brief()["progress"]["step"] == step_of(stopped)
    assert call("runs", "resume", run.id, "--detach").code == 0
    wait_for(lambda: control.standing(run).step > step_of(stopped))
    wait_for(lambda: len(processes([run])) == 3)
    assert call("runs", "cancel", run.id).code == 0
    assert run.state() == "stopped"
    assert not processes([run])
    assert run.checkpoints()[1:] == [stopped], "cancelling saved nothing"
    plan = plan_resume(run)
    assert (plan.checkpoint, plan.step) == (stopped, step_of(stopped))
    steps = plan.step + 5
    assert call("runs", "resume", run.id, "--max-steps", str(steps)).code == 0
    events = read_events(run.events_path)
    assert [event.step for event in events if isinstance(event, Finished)] == [steps]
    assert [event for event in events if isinstance(event, Started)][-1].resumed_from == str(stopped)
    assert Run(run.folder).config().optimisation.max_steps == steps
