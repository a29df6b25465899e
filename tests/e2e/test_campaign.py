"""kill -9 of anything at random: worker, follower, server, or all. The run ends as if nothing had been."""

from __future__ import annotations

import os
import pty
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from conch.cli.output import plain
from conch.core import env
from conch.runs import Run, list_runs
from conch.training.checkpoint import latest
from tests.e2e.campaign import (
    Surroundings,
    begin,
    begun_by,
    check_after_kill,
    facts_that_stay,
    naming,
    serve,
    shell,
    step,
    temporaries,
)
from tests.proofs import Proofs
from tests.runs.helpers import leftovers, wait_for
from tests.tiny import write_rows
from tests.training.helpers import BASIC, same, train, weights

SAVE_STEPS, STEPS = 3, 48
SETTINGS = {
    **BASIC,
    "save_steps": SAVE_STEPS,
    "num_train_epochs": STEPS // 8,
    "per_device_train_batch_size": 2,
    "lora_dropout": 0.1,
}
"""Of 16 rows: 48 short steps, so that a kill falls into the middle of something."""
VICTIMS = ("worker", "follower", "server", "everything")
KILLS_A_RUN = 5
SEEDS = (11, 12)


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("sixteen") / "rows.json", 16)


@pytest.fixture(scope="module")
def whole(tiny_folder: Path, sixteen: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The weights of the run that nothing interrupted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONCH_HOME", str(tmp_path_factory.mktemp("home")))
        return weights(train(tiny_folder, sixteen, **SETTINGS).output)


def words(model: Path, rows: Path) -> list[str]:
    values = {"model_name_or_path": str(model), "dataset": str(rows), **SETTINGS}
    return [f"{key}={plain(value)}" for key, value in values.items()]


def draw(chance: random.Random, count: int) -> list[str]:
    """Whom to kill, one after another: all kinds equally often, in random order."""
    drawn = [VICTIMS[number % len(VICTIMS)] for number in range(count)]
    chance.shuffle(drawn)
    return drawn


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_kills_of_anything(
    seed: int,
    tiny_folder: Path,
    sixteen: Path,
    whole: dict[str, Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    proofs: Proofs,
) -> None:
    """Fifty at full length, in two halves."""
    in_full = request.config.getoption("--prove")
    if seed != SEEDS[0] and not in_full:
        pytest.skip("the first half is enough for every day")
    kills = 25 if in_full else 4
    chance = random.Random(seed)
    left = draw(chance, kills)
    killed: list[str] = []
    runs = inside = 0
    while left:
        around = begin(words(tiny_folder, sixteen))
        runs += 1
        try:
            for victim in left[:KILLS_A_RUN]:
                if not await_moment(around.run, chance, kills):
                    break
                if victim == "server" and around.server is None:
                    around.server = serve(tiny_folder, tmp_path / "server.txt")
                if not kill_and_recover(around, victim):
                    break
                left.remove(victim)
                killed.append(victim)
                inside += around.inside
            wait_for(lambda run=around.run: run.state() == "finished")
            assert same(weights(around.run.output), whole)
            around.kill_server()
            assert around.follower.wait(300) in {0, -signal.SIGKILL}
            wait_for(lambda run=around.run: not naming(run.folder))
            assert list(temporaries(env.home())) == []
            assert list(leftovers()) == []
        finally:
            around.close()
    counted = ", ".join(f"{killed.count(victim)} {victim}" for victim in VICTIMS)
    proofs.tell(
        "kill -9 of worker, follower (`conch train`, `runs resume`, `runs follow`), server or all of them at "
        f"random moments drawn by seed {seed}: the resumed weights equal the uninterrupted run's bit for "
        f"bit, at most `save_steps` ({SAVE_STEPS}) steps are lost, no process and no temporary name is left, "
        "and who only looked on changes nothing",
        f"{len(killed)} kills ({counted}) in {runs} runs of {STEPS} steps, {inside} of them while something "
        "was being written",
    )


def await_moment(run: Run, chance: random.Random, kills: int) -> bool:
    """Wait for a moment to kill at: soon, or a little after some step that is still to come."""
    if chance.random() < 0.2 and kills > len(VICTIMS):
        time.sleep(chance.uniform(0, 5))  # while it waits for its turn, imports, or loads
        return run.state() in {"queued", "running"}
    now = step(run)
    target = now + chance.randint(1, max(1, (STEPS - now) // 3))
    wait_for(lambda: step(run) >= min(target, STEPS) or run.state() == "finished")
    time.sleep(chance.uniform(0, 0.05))
    return run.state() == "running"


def kill_and_recover(around: Surroundings, victim: str) -> bool:
    """Whether the victim lived to be killed. Afterwards the run goes on and is followed."""
    run = around.run
    around.inside = False
    before = latest(run.output)
    if victim in {"follower", "server"}:
        stays = facts_that_stay(run)
        around.kill_follower() if victim == "follower" else around.kill_server()
        assert run.state() in {"queued", "running", "finished"}
        reached = step(run)
        wait_for(lambda: step(run) > reached or run.state() == "finished")
        assert facts_that_stay(run) == stays, "it goes on by itself, in the same process"
        if victim == "follower":
            around.follower = shell("runs", "follow", run.id)
        return True
    worker = run.worker()
    died = around.kill_everything() if victim == "everything" else around.kill_worker()
    around.inside = worker is not None and any(begun_by(worker.pid, run.output))
    if not died:
        return False
    if victim == "worker":
        assert around.follower.wait(300) == 1, "it says that the run is lost"
    check_after_kill(run, before, SAVE_STEPS)
    around.follower = shell("runs", "resume", run.id)
    wait_for(lambda: run.state() in {"queued", "running", "finished"})
    return True


def test_a_terminal_that_closes_changes_nothing(
    tiny_folder: Path, sixteen: Path, whole: dict[str, Any]
) -> None:
    """`conch train` in the foreground of a terminal of its own, which goes away: its group is hung up."""
    command = [sys.executable, "-m", "conch.cli", "train", *words(tiny_folder, sixteen)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, command)
    wait_for(list_runs)
    (run,) = list_runs()
    os.set_blocking(terminal, False)
    wait_for(lambda: drained(terminal) and step(run) > 2)
    stays = facts_that_stay(run)
    os.close(terminal)  # the system hangs up the group in the foreground
    wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid)
    assert run.state() in {"running", "finished"}
    wait_for(lambda: run.state() == "finished")
    assert facts_that_stay(run) == stays
    assert same(weights(run.output), whole)
    wait_for(lambda: not naming(run.folder))


def drained(terminal: int) -> bool:
    """Read what the terminal shows, as a terminal does."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:  # nothing more
        pass
    return True
