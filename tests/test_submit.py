"""Submitting once however often it is asked, and going on only with what was begun."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conch import submit
from conch.core.errors import RunError
from conch.core.events import Finished, Queued
from conch.runs import Run, control, launch, list_runs, provenance, requests, store
from tests.cli.program import call
from tests.runs.conftest import stub  # noqa: F401 - a fixture
from tests.runs.helpers import FOREVER, config, leftovers, of, processes, started, wait_for
from tests.tiny import write_rows

SUBMIT = """
import sys
from pathlib import Path
from conch.submit import submit
from tests.runs.helpers import FOREVER, config
print(submit(config(Path(sys.argv[1]), Path(sys.argv[2])), "order 7").id)
"""


@pytest.fixture
def stopped(tiny_folder: Path, rows: Path, stub: None) -> Run:  # noqa: F811
    """A run that was stopped at some step, long before its last."""
    run = submit.submit(config(tiny_folder, rows, max_steps=FOREVER))
    wait_for(lambda: control.standing(run).step > 0)
    control.ask_to_stop(run)
    control.await_end(run)
    return run


@pytest.mark.parametrize(
    ("writable", "flags", "code"), [(True, 0, None), (False, 0, errno.EACCES), (False, 1, errno.EROFS)]
)
def test_an_output_folder_that_takes_nothing_is_refused_with_the_reason(
    tmp_path: Path,
    tiny_folder: Path,
    rows: Path,
    monkeypatch: pytest.MonkeyPatch,
    writable: bool,
    flags: int,
    code: int | None,
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: writable)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    monkeypatch.setattr(os, "ST_RDONLY", 1)
    asked = config(tiny_folder, rows, output_dir=str(tmp_path / "out" / "deep"))
    if code is None:
        submit.check_output(asked)
        return
    with pytest.raises(submit.OutputError) as error:
        submit.check_output(asked)
    assert os.strerror(code) in error.value.message


def refused(run: Run, **how: Any) -> RunError:
    with pytest.raises(RunError) as error:
        submit.resume(run, **how)
    return error.value


def edit(run: Run, **values: Any) -> None:
    """What a user does with an editor."""
    run.config_path.write_text(submit.dump(submit.load_train(values={**run.flat_config(), **values}).config))


# the same request again


@pytest.mark.usefixtures("stub")
def test_a_request_repeated_by_eight_processes_starts_one_run(tiny_folder: Path, rows: Path) -> None:
    words = [sys.executable, "-c", SUBMIT, str(tiny_folder), str(rows)]
    root = Path(__file__).parents[1]
    asked = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(8)]
    ids = {process.communicate()[0].strip() for process in asked}
    assert [process.returncode for process in asked] == [0] * 8
    (run,) = list_runs()
    assert ids == {run.id}
    wait_for(lambda: run.state() == "finished")
    assert len(of(run, Queued)) == len(started(run)) == len(of(run, Finished)) == 1
    assert submit.submit(config(tiny_folder, rows), "order 7").id == run.id, "also when it has ended"
    wait_for(lambda: not processes([run]))
    assert list(leftovers()) == []


@pytest.mark.usefixtures("stub")
def test_a_request_by_the_shell(tiny_folder: Path, rows: Path) -> None:
    words = [f"model_name_or_path={tiny_folder}", f"dataset={rows}", "max_steps=1", "--request-id", "x"]
    first = call("train", *words, "--detach", "--json").json()["id"]
    again = call("train", *words, "--json")
    assert again.json()["id"] == first
    assert again.json()["state"] == "finished"
    assert len(list_runs()) == 1


@pytest.mark.usefixtures("stub")
def test_an_id_stands_for_one_config(tiny_folder: Path, rows: Path) -> None:
    run = submit.submit(config(tiny_folder, rows), "x")
    with pytest.raises(RunError) as error:
        submit.submit(config(tiny_folder, rows, max_steps=2), "x")
    assert error.value.key == "runs.request_reused"
    assert run.id in error.value.message
    wait_for(lambda: run.state() == "finished")
    store.remove(run)
    assert submit.submit(config(tiny_folder, rows, max_steps=2), "x").id != run.id, (
        "a removed run is forgotten"
    )
    assert len(list(requests.folder().iterdir())) == 1


@pytest.mark.usefixtures("stub")
def test_who_died_between_deciding_and_starting_is_succeeded(tiny_folder: Path, rows: Path) -> None:
    asked = submit.absolute(config(tiny_folder, rows))
    requests.settle("before the run", "20250101-000000-aaaa", submit.dump(asked))
    requests.settle("before its start", "20250101-000000-bbbb", submit.dump(asked))
    made = store.create(asked, "20250101-000000-bbbb")
    dead = {"pid": 1, "started": 0.0, "ticks": 1, "nonce": "n", "starting": True}
    made.worker_path.write_text(json.dumps(dead))
    for request, run_id in (("before the run", "aaaa"), ("before its start", "bbbb")):
        run = submit.submit(asked, request)
        assert run.id.endswith(run_id)
        wait_for(lambda run=run: run.state() == "finished")
        assert len(started(run)) == 1


def test_what_cannot_be_done_settles_no_request(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="nowhere"):
        submit.submit(config(tiny_folder, tmp_path / "nowhere.json"), "x")
    assert requests.find("x") is None


# going on


def test_what_a_run_began_with_is_written_down(stopped: Run, rows: Path, tiny_folder: Path) -> None:
    found = provenance.read(stopped.provenance_path)
    assert found is not None
    assert found.data == {str(rows): provenance.digest(rows)}
    assert found.packages["torch"]
    assert found.machine["host"]
    assert found.seed == 42
    assert found.template["sha256"] == provenance.digest(tiny_folder / "chat_template.jinja")
    assert found.config == stopped.flat_config()


def test_changed_data_is_refused_with_the_difference(stopped: Run, rows: Path) -> None:
    before = provenance.digest(rows)
    write_rows(rows, 13)
    error = refused(stopped)
    assert error.key == "runs.changed"
    assert f"data {rows}: content {before[:12]} then, {provenance.digest(rows)[:12]} now" in error.message
    assert stopped.state() == "stopped", "nothing was started"
    assert "--force" in call("runs", "resume", stopped.id).err
    forced = call("runs", "resume", stopped.id, "--force", "--detach")
    assert forced.code == 0
    assert "Going on although this has changed" in forced.err
    control.cancel(stopped)
    plan = submit.resume(stopped)
    assert plan.differences == (), "what was accepted is the new standard"
    control.cancel(stopped)


def test_a_setting_that_makes_it_another_training_is_refused(stopped: Run) -> None:
    edit(stopped, save_steps=7, logging_steps=3)
    assert submit.plan_resume(stopped).differences == ()
    edit(stopped, lora_rank=4, template="chatml")
    message = refused(Run(stopped.folder)).message
    assert "lora_rank: 8 then, 4 now" in message
    assert "template chatml" in message
    assert "save_steps" not in message


def test_another_length_of_rows_is_refused(stopped: Run) -> None:
    edit(stopped, cutoff_len=64)
    assert "cutoff_len: 2048 then, 64 now" in refused(Run(stopped.folder)).message


def test_another_model_in_the_same_place_is_refused(
    tiny_folder: Path,
    rows: Path,
    tmp_path: Path,
    stub: None,  # noqa: F811
) -> None:
    """Of the same size and shape, and changed in the middle only, as by a merge."""
    model = tmp_path / "model"
    shutil.copytree(tiny_folder, model)
    run = submit.submit(config(model, rows, max_steps=FOREVER))
    wait_for(lambda: control.standing(run).step > 0)
    control.ask_to_stop(run)
    control.await_end(run)
    assert submit.plan_resume(run).differences == ()
    weights = bytearray((model / "model.safetensors").read_bytes())
    middle = len(weights) // 2
    weights[middle : middle + 20_000] = bytes(20_000)
    (model / "model.safetensors").write_bytes(weights)
    error = refused(run)
    assert error.key == "runs.changed"
    assert "model model/model.safetensors: content" in error.message
    assert "config.json" not in error.message
    assert submit.plan_resume(run, force=True).differences


def test_a_run_without_a_record_goes_on(stopped: Run, rows: Path) -> None:
    stopped.provenance_path.write_text("{")
    write_rows(rows, 13)
    assert submit.plan_resume(stopped).differences == ()


def test_more_steps_or_epochs(stopped: Run) -> None:
    step = control.standing(stopped).step
    resumed = call("runs", "resume", stopped.id, "--max-steps", str(step + 3))
    assert resumed.code == 0
    assert f"(step {step})" in resumed.err
    assert f"max_steps: {step + 3} instead of {FOREVER}" in resumed.err
    assert "Going on from" in resumed.err
    run = Run(stopped.folder)
    assert run.state() == "finished"
    assert control.standing(run).step == step + 3
    assert run.config().optimisation.max_steps == step + 3
    assert refused(run).key == "runs.is_finished"
    assert refused(run, max_steps=step).key == "runs.done_already"
    assert refused(run, epochs=step / 10).key == "runs.done_already"
    assert submit.plan_resume(run, epochs=step).changes == {"num_train_epochs": step, "max_steps": -1}


def test_a_checkpoint_may_be_named_as_the_run_calls_it(
    stopped: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = stopped.checkpoints()[-1]
    for given in (made, made.name, made.name.removeprefix("checkpoint-")):
        assert submit.plan_resume(stopped, Path(given)).checkpoint == made
    error = refused(stopped, checkpoint=Path("checkpoint-99999"))
    assert error.key == "runs.no_checkpoint"
    assert made.name in error.hint


def test_a_start_that_fails_gives_the_run_up(stopped: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where whoever tried lives on, as a server does."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(launch.subprocess, "Popen", refuse)
    with pytest.raises(OSError, match="no more"):
        submit.resume(stopped)
    assert stopped.worker() is None
    assert list(leftovers()) == []
    monkeypatch.undo()
    assert submit.plan_resume(stopped).checkpoint is not None


def test_of_two_who_resume_at_once_one_is_refused(stopped: Run) -> None:
    plan, other = submit.plan_resume(stopped), submit.plan_resume(stopped)
    submit.carry_out(plan)
    with pytest.raises(RunError) as error:
        submit.carry_out(other)
    assert error.value.key == "runs.busy"
    wait_for(lambda: len(started(stopped)) == 2)
    control.cancel(stopped)
    assert len(started(stopped)) == 2
