"""A claim has at most one living holder, whoever dies in the middle of taking it."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time
from pathlib import Path

import pytest

from conch.core.files import TEMPORARY_PREFIX
from conch.core.leftovers import own
from conch.runs import claim
from conch.runs.claim import acquire, create, read, sweep
from conch.runs.process import Worker, identify

PROCESSES, ROUNDS = 8, 200


def dead_claim(path: Path, nonce: str = "abc") -> None:
    """What a process that is gone left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(Worker(os.getpid(), 0.0, ticks=1, nonce=nonce).to_dict()))


def test_one_holds_and_the_next_follows(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    first = acquire(path, run="x")
    assert first is not None
    assert acquire(path) is None
    held = read(path)
    assert held is not None
    assert held.facts["run"] == "x"
    first.release()
    second = acquire(path)
    assert second is not None
    first.release()
    assert read(path) is not None, "who no longer holds it releases nothing"
    with second:
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_dead_claim_is_broken_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    dead_claim(path)
    assert acquire(path) is not None
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_claim_of_another_boot_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    path.write_text(json.dumps({**identify(os.getpid()).to_dict(), "boot": "another"}))
    assert acquire(path) is not None


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}'])
def test_what_cannot_be_read_is_being_written_or_dead(tmp_path: Path, content: str) -> None:
    path = tmp_path / "slot-cpu-0"
    path.write_text(content)
    assert acquire(path) is None
    old = time.time() - 60
    os.utime(path, (old, old))
    assert acquire(path) is not None


def test_who_died_while_breaking_is_succeeded(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    dead_claim(path)
    dead_claim(tmp_path / "slot-cpu-0.abc.0", "m")
    assert acquire(path) is not None
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_while_somebody_breaks_it_others_wait(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    dead_claim(path)
    mark = acquire(tmp_path / "slot-cpu-0.abc.0")
    assert mark is not None
    assert acquire(path) is None
    mark.release()
    assert acquire(path) is not None


def test_who_comes_late_with_an_old_view_removes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slot-cpu-0"
    dead_claim(path)
    old = read(path)
    assert old is not None
    mine = acquire(path)
    assert claim._remove_dead(path, old)
    held = read(path)
    assert mine is not None
    assert held is not None
    assert held.nonce == mine.nonce


def test_a_disk_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(claim.os, "link", refuse)
    path = tmp_path / "slot-cpu-0"
    mine = acquire(path)
    assert mine is not None
    assert acquire(path) is None
    assert not create(path, "x")
    mine.release()
    assert list(tmp_path.iterdir()) == []


def test_the_leavings_of_the_dead_are_swept_and_no_others(tmp_path: Path) -> None:
    pid = max(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()) + 100_000
    mine = f"{own(TEMPORARY_PREFIX)}abcd"
    (tmp_path / mine).write_text("x")
    (tmp_path / mine.replace(f"{os.getpid()}-", f"{pid}-")).write_text("x")
    dead_claim(tmp_path / "slot-cpu-0")
    dead_claim(tmp_path / "slot-cpu-1.gone.0")
    living = acquire(tmp_path / "slot-cpu-2")
    assert living is not None
    (tmp_path / "0001-run").write_text("x")
    sweep(tmp_path)
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == [mine, "0001-run", "slot-cpu-2"]
    sweep(tmp_path / "nowhere")


def compete(path: str, seed: int, rounds: int, results: str) -> None:
    """Take the claim `rounds` times; now and then die with it, or in the middle of taking it.

    Who holds it makes a file of one name: a second holder would find it there.
    """
    chance = random.Random(seed)
    inside = Path(path).with_name("inside")
    won = 0
    while won < rounds:
        mine = acquire(Path(path))
        if mine is None:
            time.sleep(chance.random() / 3000)
            continue
        won += 1
        handle = os.open(inside, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(handle, b"x")
        os.close(handle)
        inside.unlink()
        with Path(results).open("a") as file:
            file.write("x")
        if chance.random() < 0.02:
            os._exit(won)  # its claim is left, to be broken by the others
        mine.release()
    os._exit(won)


def test_stress_of_many_processes_that_also_die(tmp_path: Path) -> None:
    """8 processes, 200 rounds each; a process that dies is replaced for the rounds it had left."""
    context = multiprocessing.get_context("fork")
    path, results = tmp_path / "queue" / "slot-cpu-0", tmp_path / "results"
    left = [ROUNDS] * PROCESSES
    workers = {}
    seed = 0
    while any(left):
        for number, rounds in enumerate(left):
            if number not in workers and rounds:
                seed += 1
                workers[number] = context.Process(
                    target=compete, args=(str(path), seed, rounds, str(results))
                )
                workers[number].start()
        for number, worker in list(workers.items()):
            worker.join(0.01)
            if worker.exitcode is not None:
                assert 0 < worker.exitcode <= left[number], "it found another holder"
                left[number] -= worker.exitcode
                del workers[number]
    assert results.stat().st_size == PROCESSES * ROUNDS
    sweep(path.parent)
    assert list(path.parent.iterdir()) == []
    print(f"{seed - PROCESSES} processes died with the claim in hand")


def test_stress_with_kills_at_any_moment(tmp_path: Path) -> None:
    """kill -9 also in the middle of taking and of breaking. A dead holder's file inside is not one of two."""
    context = multiprocessing.get_context("fork")
    path = tmp_path / "queue" / "slot-cpu-0"
    chance = random.Random(3)
    children = []
    for _ in range(60):
        children = [child for child in children if child.is_alive()]
        while len(children) < 6:
            child = context.Process(
                target=hold_and_prove, args=(str(path), str(tmp_path / "two")), daemon=True
            )
            child.start()
            children.append(child)
        time.sleep(chance.uniform(0, 0.03))
        chance.choice(children).kill()
    for child in children:
        child.kill()
    for child in children:
        child.join()
    assert not (tmp_path / "two").exists()
    assert acquire(path) is not None
    sweep(path.parent)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def hold_and_prove(path: str, two: str) -> None:
    while True:
        mine = acquire(Path(path))
        if mine is None:
            continue
        for _ in range(20):  # whoever removes or replaces a living claim is found out here
            held = read(Path(path))
            if held is None or held.nonce != mine.nonce:
                Path(two).touch()
        mine.release()
