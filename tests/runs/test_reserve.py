"""News of a full disk gets onto that disk; what finds no room waits in memory; prints end nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conch.core.events import Metrics, Paused, Stopped
from conch.core.files import append_line
from conch.runs.follow import read_events
from conch.runs.log import EventLog, PatientLog
from conch.runs.reserve import PIECE_BYTES, PIECES, Reserve
from tests.faults import fill, small_disk


class Disk:
    """Takes lines only while there is room; giving up a piece makes room for one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 10**9
        give_up = Reserve.give_up_one

        def append(path: Path, line: bytes) -> None:
            if self.room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            self.room -= 1
            append_line(path, line)

        def give(reserve: Reserve) -> bool:
            given = give_up(reserve)
            self.room += given
            return given

        monkeypatch.setattr("conch.runs.log.append_line", append)
        monkeypatch.setattr(Reserve, "give_up_one", give)


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


def pieces(folder: Path) -> int:
    return len(list((folder / "reserve").iterdir()))


def test_news_takes_the_reserve_piece_by_piece(tmp_path: Path, full: Disk) -> None:
    Reserve.of(tmp_path).fill()
    assert pieces(tmp_path) == PIECES
    log = EventLog(tmp_path / "events.jsonl")
    log.write(Metrics, step=1)
    assert not log.is_short_of_room()
    full.room = 0
    for step in range(2, PIECES + 2):
        log.write(Metrics, step=step)
        assert pieces(tmp_path) == PIECES + 1 - step
        assert log.is_short_of_room()
    with pytest.raises(OSError, match="No space"):
        log.write(Metrics, step=99)
    assert [event.step for event in read_events(log.path)] == list(range(1, PIECES + 2))


def test_a_patient_log_owes_and_pays_in_order(tmp_path: Path, full: Disk) -> None:
    log = PatientLog(tmp_path / "events.jsonl")
    beside = PatientLog(log.path, owed=log.owed)
    full.room = 1
    log.write(Metrics, step=1)
    log.write(Metrics, step=2)
    beside.write(Metrics, step=3)
    assert len(log.owed) == 2
    assert log.is_short_of_room()
    assert [event.step for event in read_events(log.path)] == [1]
    with pytest.raises(OSError, match="No space"):
        log.deliver()
    full.room = 100
    log.write(Metrics, step=4)
    assert [event.step for event in read_events(log.path)] == [1, 2, 3, 4]
    assert not log.is_short_of_room()


def test_room_again_means_a_reserve_again(tmp_path: Path, full: Disk) -> None:
    reserve = Reserve.of(tmp_path)
    reserve.fill()
    log = PatientLog(tmp_path / "events.jsonl")
    full.room = 0
    log.write(Metrics, step=1)
    full.room = 100
    log.deliver()
    assert pieces(tmp_path) == PIECES
    assert not log.is_short_of_room()
    assert all(piece.stat().st_size == PIECE_BYTES for piece in reserve.folder.iterdir())
    reserve.clear()
    assert not reserve.folder.exists()
    assert not reserve.is_touched()


def test_what_is_owed_at_the_end_is_waited_for_within_bounds(tmp_path: Path, full: Disk) -> None:
    log = PatientLog(tmp_path / "events.jsonl")
    full.room = 0
    log.write(Stopped, step=3)
    log.settle(60, lambda: True, pause=0)
    log.settle(0.01, lambda: False, pause=0)
    assert log.owed
    looks = iter([False, False, True])

    def until() -> bool:
        full.room = 1
        return next(looks)

    log.settle(60, until, pause=0)
    assert not log.owed
    assert isinstance(read_events(log.path)[0], Stopped)


def test_another_trouble_than_a_full_disk_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, line: bytes) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("conch.runs.log.append_line", refuse)
    log = PatientLog(tmp_path / "events.jsonl")
    with pytest.raises(OSError, match="Read-only"):
        log.write(Metrics, step=1)
    assert not log.owed


def test_on_a_real_disk_without_a_free_byte(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as folder:
        Reserve.of(folder).fill()
        log = PatientLog(folder / "events.jsonl")
        log.write(Metrics, step=0)
        fill(folder / "ballast")
        step = 0
        while not log.owed:
            step += 1
            log.write(Paused, what="x" * 200, where="/", message=str(step), hint="-")
        assert step > PIECES, "each piece gave room for some news"
        lines = log.path.read_bytes()
        assert lines.count(b"\n") == len(read_events(log.path)) == step
        (folder / "ballast").unlink()
        log.deliver()
        assert len(read_events(log.path)) == step + 1
        assert pieces(folder) == PIECES


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a device that is always full")
def test_prints_to_a_full_disk_end_nothing() -> None:
    code = (
        "from conch.runs.printing import forgive_output; forgive_output(); import sys, traceback, warnings\n"
        "print('loss', 1.0); warnings.warn('x'); sys.stderr.write('é' * 10**5); sys.stdout.flush()\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: traceback.print_exc()\n"
        "sys.exit(7)"
    )
    with Path("/dev/full").open("ab") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=full, check=False)
    assert done.returncode == 7


def test_prints_arrive_where_there_is_room(tmp_path: Path) -> None:
    code = "from conch.runs.printing import forgive_output; forgive_output(); print('海螺', flush=True)"
    with (tmp_path / "log").open("ab") as log:
        subprocess.run([sys.executable, "-c", code], stdout=log, check=True)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "海螺\n"
