"""Something done again and again beside other work."""

from __future__ import annotations

import threading

from conch.runs.repeating import every
from tests.runs.helpers import wait_for


def test_it_is_done_at_once_and_again_whatever_the_disk_says() -> None:
    done: list[str] = []

    def do() -> None:
        done.append(threading.current_thread().name)
        raise OSError("a full disk")

    with every(0.01, do, "burger"):
        wait_for(lambda: len(done) >= 3)
    assert set(done) == {"burger"}
    assert "burger" not in [thread.name for thread in threading.enumerate()]


def test_long_pauses_keep_nobody_waiting() -> None:
    done: list[int] = []
    with every(3600, lambda: done.append(1), "burger"):
        wait_for(lambda: done)
    assert done == [1]
    assert "burger" not in [thread.name for thread in threading.enumerate()]
