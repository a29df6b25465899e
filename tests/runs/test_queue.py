"""Runs take turns without a broker: in order, one at a time on a device, none lost and none twice."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from conch.core.errors import RunError
from conch.core.events import Finished, Queued, Started, Stopped
from conch.runs import Run, control, devices, list_runs, queue, store
from conch.runs.claim import acquire
from conch.runs.devices import Pool, pool_of, visible_gpus
from conch.submit import resume, submit
from tests.cli.program import call
from tests.proofs import Proofs
from tests.runs.helpers import FOREVER, config, kinds, leftovers, of, processes, started, wait_for, waited

SUBMIT = """
import sys
from pathlib import Path
from conch.submit import submit
from tests.runs.helpers import config
for number in range(int(sys.argv[3])):
    print(submit(config(Path(sys.argv[1]), Path(sys.argv[2]), max_steps=3)).id, flush=True)
"""


def submitter(model: Path, rows: Path, count: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", SUBMIT, str(model), str(rows), str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


@pytest.fixture
def busy() -> Iterator[Path]:
    """The CPU is taken, by this process."""
    _, slot = Pool("cpu", ("cpu",)).slots()[0]
    claim = acquire(slot, run="/runs/somebody")
    assert claim is not None
    yield slot
    claim.release()


def queued(model: Path, rows: Path, count: int) -> list[Run]:
    return [submit(config(model, rows)) for _ in range(count)]


def line() -> list[str]:
    return [ticket.run_id for ticket in queue.tickets(Pool("cpu", ()))]


PATH = ["queued", "running", "finished"]


def look_until_all_have_finished(runs: list[Run]) -> None:
    """At every look each run is where it was or further, and no two run.

    The states of a look are read one after another: of two that seem to run the first may have ended
    meanwhile, but then it has.
    """
    at = dict.fromkeys((run.id for run in runs), 0)

    def look() -> bool:
        for run in runs:
            now = PATH.index(run.state())
            assert now >= at[run.id], f"{run.id} went back to {PATH[now]}"
            at[run.id] = now
        running = [run for run in runs if at[run.id] == 1]
        assert sum(run.state() == "running" for run in running) <= 1
        return all(place == 2 for place in at.values())

    wait_for(look)


@pytest.mark.usefixtures("stub")
def test_twenty_runs_of_five_processes_take_turns(
    tiny_folder: Path, rows: Path, busy: Path, proofs: Proofs
) -> None:
    """All 20 stand in line before the first begins, so that every place in it is known."""
    submitters = [submitter(tiny_folder, rows, 4) for _ in range(5)]
    wait_for(lambda: len(list_runs()) == len(line()) == 20)
    given = [set(process.communicate()[0].split()) for process in submitters]
    assert [process.returncode for process in submitters] == [0] * 5
    in_line = line()
    assert sorted(in_line) == sorted(itertools.chain(*given)), "each was given one run of its own"
    runs = [Run(store.runs_folder() / run_id) for run_id in in_line]
    assert [run.state() for run in runs] == ["queued"] * 20
    busy.unlink()
    look_until_all_have_finished(runs)
    for run in runs:
        turns = [kind for kind in kinds(run) if kind in {"queued", "started", "finished"}]
        assert turns == ["queued", "started", "finished"], "none ran twice"
    for before, after in itertools.pairwise(runs):
        assert of(before, Finished)[0].t <= started(after)[0].t, "two at a time, or out of order"
    wait_for(lambda: not processes(runs))
    assert list(leftovers()) == []
    proofs.tell(
        "runs submitted at once from 5 processes: all run, in the order in which they stood in line, one at "
        "a time and none twice; looked at again and again, no state goes back, and nothing is left",
        f"{len(runs)} runs",
    )


@pytest.mark.usefixtures("stub", "busy")
def test_the_order_can_be_changed_and_is_shown(tiny_folder: Path, rows: Path) -> None:
    a, b, c = queued(tiny_folder, rows, 3)
    assert line() == [a.id, b.id, c.id]
    wait_for(lambda: all(waited(run) for run in (a, b, c)))
    listed = call("runs", "list").out
    assert f"waits for cpu, number 3 in line, behind somebody, {a.id} …" in listed
    assert c.summary()["waits"] == {"device": "cpu", "position": 3, "behind": ["somebody", a.id, b.id]}
    assert "number 1 in line" in call("runs", "show", a.id).out
    assert "number 1 in line" in call("runs", "move", c.id, "--first").out
    assert line() == [c.id, a.id, b.id]
    assert call("runs", "move", b.id, "--before", a.id, "--json").json()["position"] == 2
    assert line() == [c.id, b.id, a.id]
    assert call("runs", "move", c.id, "--last").code == 0
    assert line() == [b.id, a.id, c.id]
    assert call("runs", "move", c.id, "--before", a.id).code == 0
    assert call("runs", "move", a.id, "--before", c.id).code == 0
    assert line() == [b.id, a.id, c.id]
    wait_for(lambda: waited(b)[-1]["position"] == 1)
    assert call("runs", "move", a.id).code == call("runs", "move", a.id, "--first", "--last").code == 2
    with pytest.raises(RunError) as error:
        queue.move(a, before=Run(a.folder.parent / "nobody"))
    assert error.value.key == "runs.not_waiting"


@pytest.mark.usefixtures("stub")
def test_a_freed_device_goes_to_the_first_in_line(tiny_folder: Path, rows: Path, busy: Path) -> None:
    a, b = queued(tiny_folder, rows, 2)
    wait_for(lambda: waited(a) and waited(b))
    queue.move(b, first=True)
    busy.unlink()
    wait_for(lambda: a.state() == b.state() == "finished")
    assert of(b, Finished)[0].t <= started(a)[0].t


@pytest.mark.usefixtures("stub", "busy")
def test_who_waits_can_be_stopped_cancelled_and_queued_again(tiny_folder: Path, rows: Path) -> None:
    a, b = queued(tiny_folder, rows, 2)
    wait_for(lambda: waited(a) and waited(b))
    stopped = call("runs", "stop", a.id)
    assert stopped.code == 0
    assert "leaves the queue" in stopped.err
    assert call("runs", "cancel", b.id).code == 0
    for run in (a, b):
        assert run.state() == "stopped"
        assert of(run, Stopped)[0].step == 0
        assert not started(run)
    assert line() == []
    assert not processes([a, b])
    assert resume(a).checkpoint is None
    assert a.state() == "queued"
    assert line() == [a.id]
    assert call("runs", "remove", a.id).code == 1, "it waits"


@pytest.mark.usefixtures("stub")
def test_who_was_killed_waiting_is_lost_passed_over_and_queued_again(
    tiny_folder: Path, rows: Path, busy: Path
) -> None:
    a, b = queued(tiny_folder, rows, 2)
    wait_for(lambda: waited(a) and waited(b))
    worker = a.worker()
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: a.state() == "lost")
    assert a.summary()["error"]["kind"] == "LostError"
    assert f"conch runs resume {a.id}" in call("runs", "show", a.id).out
    busy.unlink()
    wait_for(lambda: b.state() == "finished")
    again = call("runs", "resume", a.id)
    assert "begins anew" in again.err
    assert a.state() == "finished"
    assert len(started(a)) == 1
    assert len(of(a, Queued)) == 2


@pytest.mark.usefixtures("stub")
def test_more_slots_let_more_runs_at_a_device(tiny_folder: Path, rows: Path, home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / "slots").write_text("2\n")
    runs = [submit(config(tiny_folder, rows, max_steps=FOREVER)) for _ in range(3)]
    wait_for(lambda: [run.state() for run in runs] == ["running", "running", "queued"])
    control.ask_to_stop(runs[0])
    wait_for(lambda: [run.state() for run in runs] == ["stopped", "running", "running"])


@pytest.mark.parametrize(
    ("busy", "ahead", "fitting", "places"),
    [
        ("", 0, "", ["cuda-0-0", "cuda-1-0"]),
        ("", 1, "", ["cuda-0-0", "cuda-1-0"]),
        ("", 2, "01", []),
        ("0", 0, "01", ["cuda-1-0"]),
        ("0", 1, "01", []),
        ("01", 0, "1", ["cuda-1-1", "cuda-1-2"]),
        ("01", 0, "", []),
        ("01", 1, "01", []),
    ],
)
def test_a_device_is_shared_by_the_first_in_line_that_fits(
    home: Path, busy: str, ahead: int, fitting: str, places: list[str]
) -> None:
    home.mkdir(exist_ok=True)
    (home / "slots").write_text("3")
    pool = Pool("cuda", ("cuda:0", "cuda:1"))
    slots = {path.name: path for _, path in pool.slots()}
    claims = [acquire(slots[f"slot-cuda-{gpu}-0"], run=f"/runs/on-{gpu}") for gpu in busy]
    assert None not in claims

    asked: list[str] = []

    def fits(device: str, others: Sequence[Run]) -> bool:
        assert [run.id for run in others] == [f"on-{device[-1]}"]
        assert device not in asked, "once for all its places"
        asked.append(device)
        return device[-1] in fitting

    found = queue._open_to(pool, ahead, fits)
    assert [path.name.removeprefix("slot-") for _, path in found] == places


@pytest.mark.parametrize(("content", "slots"), [("3", 3), ("0", 1), ("many", 1), (None, 1)])
def test_the_number_of_slots_is_read_from_the_home(home: Path, content: str | None, slots: int) -> None:
    home.mkdir(exist_ok=True)
    if content is not None:
        (home / "slots").write_text(content)
    assert len(Pool("cpu", ("cpu",)).slots()) == slots


def test_where_a_run_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia0", "nvidia3", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-8a/b")
    pool = pool_of({})
    assert (pool.name, pool.devices) == ("cuda", ("cuda:2", "cuda:GPU-8a/b"))
    assert [path.name for _, path in pool.slots()] == ["slot-cuda-2-0", "slot-cuda-GPU-8a-b-0"]
    devices.use("cuda:GPU-8a/b")
    assert visible_gpus() == ["GPU-8a/b"]
    devices.use("cpu")
    assert pool_of({"use_cpu": True}).name == "cpu"
    for hidden in ("-1", ""):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert pool_of({}).name == "cpu"


@pytest.mark.usefixtures("stub")
def test_twenty_kills_leave_no_orphan_and_no_claim(tiny_folder: Path, rows: Path) -> None:
    """kill -9 of waiting and working processes and of those who follow, at random moments."""
    chance = random.Random(5)
    runs = [submit(config(tiny_folder, rows, max_steps=12)) for _ in range(4)]
    kills = followers = 0
    while kills < 20:
        run = chance.choice(runs)
        if chance.random() < 0.2:
            words = [sys.executable, "-m", "conch.cli", "runs", "follow", run.id]
            follower = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.3))
            follower.kill()
            follower.wait()
            followers += 1
        elif run.state() in {"lost", "finished"}:
            if run.state() == "finished":
                runs.remove(run)
                runs.append(submit(config(tiny_folder, rows, max_steps=12)))
            else:
                resume(run)
            continue
        else:
            worker = run.worker()
            assert worker is not None
            with_pid = psutil.pid_exists(worker.pid)
            time.sleep(chance.uniform(0, 0.2))
            if not with_pid or not worker.is_alive():
                continue
            os.kill(worker.pid, signal.SIGKILL)
            wait_for(lambda worker=worker: not worker.is_alive())
            assert run.state() in {"lost", "finished"}
        kills += 1
    for run in runs:
        if run.state() == "lost":
            resume(run)
    everything = list_runs()
    wait_for(lambda: all(run.state() == "finished" for run in everything))
    for run in everything:
        assert len(of(run, Finished)) == 1
        assert kinds(run).count("started") <= kinds(run).count("queued")
    wait_for(lambda: not processes(everything))
    assert list(leftovers()) == []
    assert followers


@pytest.mark.usefixtures("stub")
def test_a_second_worker_of_a_run_does_nothing(tiny_folder: Path, rows: Path, busy: Path) -> None:
    (run,) = queued(tiny_folder, rows, 1)
    wait_for(lambda: waited(run))
    first = run.worker()
    done = subprocess.run([sys.executable, "-m", "conch.worker", str(run.folder)], check=False)
    assert done.returncode == 0
    assert run.worker() == first
    with pytest.raises(RunError) as error:
        resume(run)
    assert error.value.key == "runs.busy"
    busy.unlink()
    wait_for(lambda: run.state() == "finished")
    assert len(of(run, Started)) == 1


@pytest.mark.usefixtures("stub")
def test_a_worker_whose_starter_died_takes_charge_itself(tiny_folder: Path, rows: Path) -> None:
    run = store.create(config(tiny_folder, rows))
    dead = {"pid": os.getpid(), "started": 0.0, "ticks": 1, "nonce": "n", "starting": True}
    run.worker_path.write_text(json.dumps(dead))
    assert run.state() == "lost"
    done = subprocess.run([sys.executable, "-m", "conch.worker", str(run.folder)], check=False)
    assert done.returncode == 0
    assert run.state() == "finished"
    assert list(leftovers()) == []


@pytest.mark.usefixtures("stub")
def test_the_worker_beats_and_outlives_a_hangup(tiny_folder: Path, rows: Path) -> None:
    run = submit(config(tiny_folder, rows, max_steps=FOREVER))
    wait_for(lambda: run.state() == "running")
    worker = run.worker()
    assert worker is not None
    os.kill(worker.pid, signal.SIGHUP)
    beat, step = run.heartbeat_path.stat().st_mtime_ns, control.standing(run).step
    wait_for(lambda: run.heartbeat_path.stat().st_mtime_ns > beat)
    wait_for(lambda: control.standing(run).step > step)
    control.cancel(run)
