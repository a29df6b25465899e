"""kill -9 at random moments: every checkpoint is whole, and the weights are as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conch.core.events import Checkpoint, Started
from conch.runs import Run, list_runs, read_events
from conch.training.checkpoint import latest
from conch.worker import execute
from tests.e2e.campaign import check_after_kill
from tests.proofs import Proofs
from tests.runs.helpers import wait_for
from tests.tiny import write_rows
from tests.training.helpers import new_run, same, train, weights

SETTINGS = {"save_steps": 1, "num_train_epochs": 2, "per_device_train_batch_size": 2, "lora_dropout": 0.1}


def work(folder: str, resume: str | None) -> None:
    """One attempt, in a process of its own with heavy modules imported already."""
    sys.stderr = sys.stdout = Path(folder, "log.txt").open("a")  # noqa: SIM115 - open until it dies
    os._exit(0 if execute(Run(Path(folder)), Path(resume) if resume else None) else 1)


def attempt(context, run: Run, seconds: float | None) -> bool:
    """Run from the newest whole checkpoint, killed after `seconds`; whether it got to the end."""
    checkpoint = latest(run.output)
    process = context.Process(target=work, args=(str(run.folder), str(checkpoint) if checkpoint else None))
    process.start()
    process.join(seconds)
    if process.is_alive():
        process.kill()
    process.join()
    return process.exitcode == 0


def test_kill_at_random_moments(
    tiny_folder: Path, tmp_path: Path, request: pytest.FixtureRequest, proofs: Proofs
) -> None:
    kills = 60 if request.config.getoption("--prove") else 8
    rows = write_rows(tmp_path / "rows.json", 16)
    whole = train(tiny_folder, rows, **SETTINGS)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["conch.training.job", "tests.training.helpers"])
    warm = new_run(tiny_folder, rows, **SETTINGS)
    began = time.monotonic()
    assert attempt(context, warm, None)
    duration = time.monotonic() - began
    seeded = random.Random(7)
    done = 0
    inside = 0
    while done < kills:
        run = new_run(tiny_folder, rows, **SETTINGS)
        for _ in range(4):
            before = latest(run.output)
            if attempt(context, run, seeded.uniform(0.05, duration)):
                break
            done += 1
            inside += bool(list(run.output.glob(".conch-tmp-*")))
            check_after_kill(run, before)
        assert run.state() in {"lost", "finished"}
        assert attempt(context, run, None)
        assert run.state() == "finished"
        assert same(weights(run.output), weights(whole.output))
        assert not list(run.output.glob(".conch-tmp-*"))
    proofs.tell(
        "kill -9 of the worker at random moments: every checkpoint is whole, at most one step is lost "
        "(save_steps: 1), and the resumed weights equal the uninterrupted run's bit for bit",
        f"{done} kills, {inside} of them while something was being written; {duration:.1f} s an attempt",
    )


@pytest.mark.parametrize("seconds_after_first_step", [0.0, 0.3])
def test_the_real_worker_killed_is_lost_and_resumable(
    tiny_folder: Path, tmp_path: Path, seconds_after_first_step: float
) -> None:
    from conch.runs.launch import launch
    from conch.submit import resume

    rows = write_rows(tmp_path / "rows.json", 16)
    whole = train(tiny_folder, rows, **SETTINGS)
    run = new_run(tiny_folder, rows, **SETTINGS)
    pid = launch(run)
    assert os.getsid(pid) == pid  # a session of its own
    wait_for(lambda: any(isinstance(e, Checkpoint) for e in read_events(run.events_path)))
    time.sleep(seconds_after_first_step)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    if run.state() == "finished":  # it was faster than the kill
        return
    assert run.state() == "lost"
    resume(run)
    wait_for(lambda: run.state() == "finished")
    assert same(weights(run.output), weights(whole.output))


def test_the_worker_outlives_the_shell_that_follows_it(tiny_folder: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.json", 16)
    words = [f"{key}={value}" for key, value in SETTINGS.items()]
    command = [
        sys.executable,
        "-m",
        "conch.cli",
        "train",
        f"model_name_or_path={tiny_folder}",
        f"dataset={rows}",
    ]
    shell = subprocess.Popen([*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(list_runs)
    (run,) = list_runs()
    # until the worker speaks, the shell itself may be in charge of the run
    wait_for(lambda: any(isinstance(event, Started) for event in read_events(run.events_path)))
    shell.kill()
    shell.wait()
    wait_for(lambda: run.state() == "finished")
