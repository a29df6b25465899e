"""Every kind of write of a run, refused by the disk: the run waits, goes on, stops or fails, and says so.

In all cases the checkpoints that there are load, and nothing half written stays.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import torch

from conch.core.events import Checkpoint, Continued, Paused, Removed, Stopped, Warned
from conch.runs import Run, read_events
from conch.runs.checkpoints import numbered, step_of
from conch.runs.diagnosis import gather
from conch.runs.follow import parse
from conch.runs.reserve import PIECES
from conch.submit import plan_resume
from conch.training import pausing
from conch.training.checkpoint import is_whole, latest, resumable
from conch.training.pausing import Pauses, Subject
from conch.training.shelf import beyond_budget, size_of
from conch.worker import execute
from tests.faults import Faults, faulty, small_disk
from tests.proofs import Proofs
from tests.tiny import write_rows
from tests.training.helpers import new_run, same, train, weights

SETTINGS = {"save_steps": 1, "max_steps": 4, "per_device_train_batch_size": 2, "plot_loss": True}
SAVED = {
    "weights": "checkpoint-2/adapter_model.safetensors",
    "tokenizer": "checkpoint-2/tokenizer.json",
    "optimizer state": "checkpoint-2/optimizer.pt",
    "scheduler state": "checkpoint-2/scheduler.pt",
    "random state": "checkpoint-2/rng_state",
    "trainer state": "checkpoint-2/trainer_state.json",
    "name of the checkpoint": "rename {output}/checkpoint-2",
}
"""What a checkpoint is made of; step 1 has one already."""
MADE = {
    "adapter": "/adapter_model.safetensors",
    "name of the adapter": "rename {output}/adapter_model.safetensors",
    "its config": "rename {output}/adapter_config.json",
    "state": "rename {output}/trainer_state.json",
    "figures": "all_results.json",
    "plot": "training_loss.png",
}
"""What the end of a run writes."""
EVENTS = {"event log": "events.jsonl"}
FULL = [errno.ENOSPC, errno.EDQUOT]
REFUSED = [errno.EROFS, errno.EACCES]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "LOOK_SECONDS", 0.01)


@pytest.fixture
def hurt(tiny_folder: Path, tmp_path: Path):
    """Does a run whose writes of one kind are refused; `word` may name the run's output."""

    def begin(word: str, code: int, count: int, first: int = 1, **settings) -> tuple[Run, Faults, bool]:
        rows = write_rows(tmp_path / "rows.json", 16)
        run = new_run(tiny_folder, rows, **{**SETTINGS, **settings})
        faults = Faults(word.format(output=run.output), code, first, count)
        with faulty(faults):
            return run, faults, execute(run)

    return begin


def of(run: Run, *kinds: type) -> list:
    return [event for event in read_events(run.events_path) if isinstance(event, kinds)]


def check_kept(run: Run) -> None:
    """Every checkpoint with a name loads, nothing half written is there, every event is whole."""
    for folder in numbered(run.output):
        assert is_whole(folder), folder
        assert resumable(folder)
        assert weights(folder)
        torch.load(folder / "optimizer.pt", weights_only=True)
        assert json.loads((folder / "trainer_state.json").read_text())["global_step"] == step_of(folder)
    assert not list(run.output.rglob(".conch-tmp-*"))
    lines = run.events_path.read_bytes().splitlines(keepends=True)
    assert all(line.endswith(b"\n") and parse(line) for line in lines)


# once, and then there is room again


def waits_and_goes_on(hurt, word: str, code: int, whole: Run) -> Run:
    """`adapter_model.safetensors` is written at each of the 4 steps before the end writes it."""
    first = 5 if word == MADE["adapter"] else 1
    run, faults, well = hurt(word, code, 1, first)
    assert faults.refused, "nothing of that kind was written"
    assert well, run.summary()["error"]
    assert run.state() == "finished"
    check_kept(run)
    assert same(weights(run.output), weights(whole.output))
    assert [event.step for event in of(run, Checkpoint)] == [1, 2, 3, 4]
    return run


@pytest.fixture(scope="module")
def whole(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory):
    """The same training on a disk with room."""
    made: list[Run] = []

    def get(rows: Path) -> Run:
        if not made:
            made.append(train(tiny_folder, rows, **SETTINGS))
        return made[0]

    return get


@pytest.mark.parametrize("kind", [*SAVED, *MADE])
def test_a_moment_without_room_is_waited_for(hurt, kind: str, whole, tmp_path: Path) -> None:
    reference = whole(write_rows(tmp_path / "rows.json", 16))
    code = errno.EDQUOT if kind in {"tokenizer", "trainer state", "plot"} else errno.ENOSPC
    run = waits_and_goes_on(hurt, {**SAVED, **MADE}[kind], code, reference)
    (paused,) = of(run, Paused)
    (continued,) = of(run, Continued)
    assert paused.what == continued.what == what_of(kind)
    assert paused.where == str(run.output)
    assert os.strerror(code) in paused.message
    assert "goes on by itself" in paused.hint


def what_of(kind: str) -> str:
    if kind in SAVED:
        return "checkpoint-2"
    return "model" if "adapter" in kind or kind == "its config" else "figures"


def test_an_event_that_finds_no_room_ends_nothing_and_comes_later(hurt, whole, tmp_path: Path) -> None:
    run = waits_and_goes_on(hurt, "events.jsonl", errno.ENOSPC, whole(write_rows(tmp_path / "rows.json", 16)))
    assert not of(run, Warned)


@pytest.mark.parametrize("first", [6, 9])
def test_a_log_without_room_pauses_the_run(hurt, first: int, whole, tmp_path: Path) -> None:
    """More writes are refused than the reserve has pieces, so that news must wait in memory."""
    reference = whole(write_rows(tmp_path / "rows.json", 16))
    run, faults, well = hurt("events.jsonl", errno.ENOSPC, 20, first)
    assert well
    assert len(faults.refused) > PIECES
    assert run.state() == "finished"
    check_kept(run)
    assert same(weights(run.output), weights(reference.output))
    assert [e.kind for e in read_events(run.events_path) if not isinstance(e, (Paused, Continued))] == [
        e.kind for e in read_events(reference.events_path)
    ]
    assert of(run, Paused)
    assert of(run, Continued)


# for good


@pytest.mark.parametrize("kind", ["weights", "optimizer state", "figures"])
def test_when_the_time_is_up_the_run_is_stopped_and_can_go_on(hurt, kind: str, whole, tmp_path: Path) -> None:
    word = {**SAVED, **MADE}[kind]
    reference = whole(write_rows(tmp_path / "rows.json", 16))
    run, _, well = hurt(word, errno.ENOSPC, 10**6, disk_wait_minutes=0.001)
    assert well
    assert run.state() == "stopped"
    check_kept(run)
    assert of(run, Paused)
    assert not of(run, Continued)
    (stopped,) = of(run, Stopped)
    kept = 1 if kind in SAVED else 4
    assert Path(stopped.checkpoint) == latest(run.output) == run.output / f"checkpoint-{kept}"
    if kind in SAVED:
        assert any("steps 2 to 2" in event.message for event in of(run, Warned))
    plan = plan_resume(Run(run.folder))
    assert execute(Run(run.folder), plan.checkpoint)
    assert run.state() == "finished"
    assert same(weights(run.output), weights(reference.output))


def test_without_any_checkpoint_it_fails_and_says_so(hurt) -> None:
    run, _, well = hurt("optimizer.pt", errno.ENOSPC, 10**6, disk_wait_minutes=0.001)
    assert not well
    assert run.state() == "failed"
    error = run.summary()["error"]
    assert "No checkpoint could be written" in error["message"]
    assert str(run.output) in error["message"]
    assert "Make room" in error["hint"]
    check_kept(run)


def test_a_stop_is_heard_while_paused(hurt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("conch.worker.tell", lambda run: (seen.append(run.state()), run.ask_to_stop()))
    run, _, well = hurt("optimizer.pt", errno.ENOSPC, 10**6, first=2)
    assert well
    assert seen == ["paused"]
    assert run.state() == "stopped"
    assert of(run, Stopped)[0].checkpoint == str(run.output / "checkpoint-1")
    check_kept(run)


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("kind", ["weights", "plot"])
def test_a_forbidden_or_read_only_disk_is_an_error_at_once(hurt, kind: str, code: int) -> None:
    run, _, well = hurt({**SAVED, **MADE}[kind], code, 10**6)
    assert not well
    assert run.state() == "failed"
    error = run.summary()["error"]
    assert "can't be written" in error["message"]
    assert f"conch runs resume {run.id}" in error["hint"]
    assert not of(run, Paused)
    check_kept(run)


def test_a_log_that_may_not_be_written_ends_the_run(hurt, capsys: pytest.CaptureFixture[str]) -> None:
    run, _, well = hurt("events.jsonl", errno.EROFS, 10**6, first=8)
    assert not well
    assert "can't be written" in capsys.readouterr().err
    assert run.state() in {"running", "lost"}  # this process is its worker, and lives
    check_kept(run)


def test_who_takes_charge_of_a_run_finds_no_room(hurt) -> None:
    run, faults, well = hurt("worker.json", errno.ENOSPC, 1)
    assert faults.refused
    assert not well
    assert run.state() == "failed"
    assert "worker.json" in run.summary()["error"]["message"]


# telling people


def test_somebody_is_told_once(hurt, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr("conch.worker.tell", lambda run: told.append(run.summary()))
    _, _, well = hurt("optimizer.pt", errno.ENOSPC, 5, first=2)
    assert well
    (summary,) = told
    assert summary["state"] == "paused"
    assert "checkpoint-2" in summary["paused"]["message"]


def test_what_is_told_of_a_paused_run(tiny_folder: Path, rows: Path) -> None:
    from conch.runs.notify import message_of

    run = new_run(tiny_folder, rows)
    run.claim(os.getpid())
    run.events.write(Paused, what="checkpoint-5", where="/x", message="Paused: no room.", hint="Make room.")
    assert run.state() == "paused"
    told = message_of(run)
    assert "needs you" in told.title
    assert "Paused: no room.\nMake room." in told.text
    run.events.write(Continued, what="checkpoint-5", seconds=3.0)
    assert run.state() == "running"
    assert run.summary()["paused"] is None


# sizes


def test_a_first_checkpoint_is_about_as_large_as_expected(tiny_folder: Path, rows: Path, monkeypatch) -> None:
    from conch.training.shelf import Shelf

    expected: list[int] = []
    real = Shelf.bytes_needed

    def note(self, *arguments):
        expected.append(real(self, *arguments))
        return expected[-1]

    monkeypatch.setattr(Shelf, "bytes_needed", note)
    for kind in ("lora", "full"):
        expected.clear()
        run = train(tiny_folder, rows, save_steps=1, max_steps=2, finetuning_type=kind)
        size = size_of(run.output / "checkpoint-1")
        assert 0.6 * size < expected[0] < 1.4 * size, kind
        assert expected[1] == size


def test_too_little_room_is_known_before_anything_is_written(hurt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk has 1000 bytes when the second checkpoint is due, and room when it is looked at again."""
    looks: list[int] = []

    def lack(folder: Path, needed: int) -> OSError | None:
        looks.append(needed)
        return OSError(errno.ENOSPC, "No space left on device", str(folder)) if len(looks) in (3, 4) else None

    monkeypatch.setattr("conch.core.disk.lack_of_room", lack)
    run, faults, well = hurt("optimizer.pt", errno.ENOSPC, 0)
    assert well
    (paused,) = of(run, Paused)
    assert paused.needed == size_of(run.output / "checkpoint-1")
    assert faults.seen == 4, "each checkpoint was written once"


# limit, best, budget


def test_what_goes_for_the_limit_is_told(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, save_steps=1, max_steps=4, save_total_limit=2)
    assert [(event.step, event.budget) for event in of(run, Removed)] == [(1, None), (2, None)]
    told = gather(read_events(run.events_path), {}).checkpoints
    assert told == tuple(step_of(folder) for folder in numbered(run.output)) == (3, 4)


def test_a_budget_is_kept_by_removing_the_oldest(tiny_folder: Path, rows: Path) -> None:
    one = size_of(train(tiny_folder, rows, save_steps=1, max_steps=1).output / "checkpoint-1")
    run = train(tiny_folder, rows, save_steps=1, max_steps=6, save_disk_budget=int(2.5 * one))
    assert [step_of(folder) for folder in numbered(run.output)] == [5, 6]
    assert [event.step for event in of(run, Removed)] == [1, 2, 3, 4]
    assert not of(run, Warned)


def test_a_budget_spares_the_best_and_says_where_it_is_too_small(tiny_folder: Path, rows: Path) -> None:
    settings = {"val_size": 4, "eval_steps": 1, "load_best_model_at_end": True, "learning_rate": 1.0}
    run = train(tiny_folder, rows, save_steps=1, max_steps=5, save_disk_budget="1 kB", **settings)
    state = json.loads((run.output / "trainer_state.json").read_text())
    best = Path(state["best_model_checkpoint"])
    assert set(numbered(run.output)) == {best, run.output / "checkpoint-5"}
    assert [event.key for event in of(run, Warned)].count("training.budget") == 1
    assert same(weights(run.output), weights(best)), "the best is what is kept in the end"


def test_what_must_go_for_a_budget(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "file").write_bytes(bytes(100))
    gone = [step_of(path) for path in beyond_budget(tmp_path, 250, None)]
    assert gone == [1]
    assert beyond_budget(tmp_path, 300, None) == []
    assert beyond_budget(tmp_path, None, None) == []
    best = str(tmp_path / "checkpoint-1")
    assert [step_of(path) for path in beyond_budget(tmp_path, 1, best)] == [2]
    assert [step_of(path) for path in beyond_budget(tmp_path, 300, best, coming=50)] == [2]


# a real disk


def test_a_real_full_disk_is_waited_for(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    """Output and run lie on a disk of 3 MB, most of which somebody else takes, and gives back later."""
    with small_disk(tmp_path / "home", "3m") as disk:
        run = new_run(tiny_folder, rows, save_steps=1, max_steps=4)
        ballast = disk / "ballast"
        free = shutil.disk_usage(disk).free
        ballast.write_bytes(bytes(free - 700_000))
        helper = threading.Thread(target=free_when_paused, args=(run, ballast))
        helper.start()
        well = execute(run)
        helper.join()
        assert well, run.summary()["error"]
        assert run.state() == "finished"
        assert of(run, Paused)
        assert of(run, Continued)
        check_kept(run)
        kept = weights(run.output)
    assert same(kept, weights(train(tiny_folder, rows, save_steps=1, max_steps=4).output))


def free_when_paused(run: Run, ballast: Path) -> None:
    end = time.monotonic() + 60
    while run.state() != "paused" and time.monotonic() < end:
        time.sleep(0.02)
    ballast.unlink()


def test_a_real_disk_filled_to_the_last_byte(
    tiny_folder: Path, rows: Path, tmp_path: Path, monkeypatch
) -> None:
    """Nothing is foreseen here: weights, optimizer and tokenizer meet the end of the disk by themselves."""
    monkeypatch.setattr("conch.core.disk.lack_of_room", lambda folder, needed: None)
    with small_disk(tmp_path / "home", "3m") as disk:
        run = new_run(tiny_folder, rows, save_steps=1, max_steps=9, disk_wait_minutes=0.001)
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 600_000))
        assert execute(run), run.summary()["error"]
        assert run.state() == "stopped"
        check_kept(run)
        assert latest(run.output) is not None
        ballast.unlink()
        again = Run(run.folder)
        assert execute(again, plan_resume(again).checkpoint)
        assert again.state() == "finished"
        check_kept(again)


# pauses by themselves


class Quiet:
    def __init__(self) -> None:
        self.told: list[type] = []

    def write(self, kind: type, **values) -> None:
        self.told.append(kind)


def test_other_errors_are_not_waited_for(tmp_path: Path) -> None:
    pauses = Pauses(Quiet(), minutes=60)  # type: ignore[arg-type]

    def fail() -> None:
        raise ValueError("no disk has to do with this")

    with pytest.raises(ValueError, match="no disk"):
        pauses.insist(fail, Subject("x", tmp_path))


def test_a_wish_to_stop_is_not_waited_out(tmp_path: Path) -> None:
    log = Quiet()
    pauses = Pauses(log, lambda: True, minutes=60)  # type: ignore[arg-type]

    def full() -> None:
        raise OSError(errno.ENOSPC, "full")

    assert not pauses.insist(full, Subject("x", tmp_path))
    assert not pauses.time_is_up
    assert log.told == []


def test_every_kind_of_write_meets_every_error(
    hurt, request: pytest.FixtureRequest, whole, tmp_path: Path, proofs: Proofs
) -> None:
    """Refused for good, at the first and at a later write. Once is what the tests above do."""
    kinds = {**SAVED, **MADE, **EVENTS}
    long = request.config.getoption("--prove")
    cases = [(kind, code) for kind in kinds for code in FULL + REFUSED]
    ends: Counter[str] = Counter()
    for kind, code in cases if long else cases[:: len(cases) // 5]:
        first = 8 if kind in EVENTS else 5 if kind == "adapter" else 1
        run, faults, well = hurt(kinds[kind], code, 10**6, first, disk_wait_minutes=0.001)
        assert faults.refused, (kind, code)
        check_kept(run)
        assert well == (code in FULL), (kind, code)
        state = run.state()
        if kind not in EVENTS:
            assert state == ("stopped" if well else "failed"), (kind, code)
            kept = 1 if kind in SAVED else 4
            assert latest(run.output) == run.output / f"checkpoint-{kept}", (kind, code)
        ends["told in no event" if kind in EVENTS else state] += 1
        reference = whole(write_rows(tmp_path / "rows.json", 16))
        again = Run(run.folder)
        assert execute(again, latest(again.output)), (kind, code)
        assert same(weights(again.output), weights(reference.output)), (kind, code)
    proofs.tell(
        "each kind of write of a training refused by the disk for good (full, quota, read-only, forbidden): "
        "the checkpoints before it load, nothing half written stays, the run says how it ended, and resumed "
        "with room again it ends with the weights of the undisturbed run bit for bit",
        f"{len(cases)} cases over {len(kinds)} kinds of write: "
        + ", ".join(f"{count} {state}" for state, count in sorted(ends.items())),
    )
