"""Something done again and again beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def every(seconds: float, do: Callable[[], None], name: str) -> Iterator[None]:
    """Do it at once and then every so many `seconds` within, in a thread called `name`.

    A disk that refuses is no reason to give up: the next time may go well.
    """
    over = threading.Event()

    def repeat() -> None:
        while True:
            with suppress(OSError):
                do()
            if over.wait(seconds):
                return

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1)
