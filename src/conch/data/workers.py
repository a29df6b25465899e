"""Rows → examples on all cores. Rows keep their order, and the first bad row is the one that is told."""

from __future__ import annotations

import gc
import math
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from conch.core.cores import usable_cores
from conch.core.errors import ConchError, DataError
from conch.data.example import Example
from conch.data.tokens import Collector, Examples, Flat, flatten

Encode = Callable[[Any], list[Example]]
"""A row to its examples. It must be picklable where processes can't be forked."""
Progress = Callable[[int, int], None]
"""Told (rows done, rows in all) now and then."""
CHUNK = 500
ROWS_A_WORKER = 2000
"""Fewer rows are not worth a process."""
SELDOM = 50_000
"""New objects until somebody looks for garbage in circles."""


@contextmanager
def seldom_cleared() -> Iterator[None]:
    """Look seldom for garbage in circles: reading and tokenising make next to none, and rows are many."""
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def count(asked: int | None, rows: int) -> int:
    """How many processes to use: as many as asked for, but not more than cores, or than chunks."""
    cores = math.ceil(usable_cores())
    wanted = rows // ROWS_A_WORKER if asked is None else min(asked, -(-rows // CHUNK))
    return max(1, min(cores, wanted))


def tokenise(
    rows: Sequence[Any], encode: Encode, workers: int, told: Callable[[int], None] = lambda _: None
) -> Examples:
    """The examples of all rows. `told` hears how many rows are done. Raises what `encode` raises."""
    collected = Collector()
    done = 0
    for flat in _in_processes(rows, encode, workers) if workers > 1 else _here(rows, encode):
        collected.add(flat)
        if done + CHUNK <= len(rows):
            told(done + CHUNK)
        done += CHUNK
    return collected.examples()


def _chunks(rows: Sequence[Any]) -> Iterator[tuple[int, int]]:
    for start in range(0, len(rows), CHUNK):
        yield start, min(start + CHUNK, len(rows))


def _here(rows: Sequence[Any], encode: Encode) -> Iterator[Flat]:
    for start, end in _chunks(rows):
        yield flatten(example for row in rows[start:end] for example in encode(row))


def _in_processes(rows: Sequence[Any], encode: Encode, workers: int) -> Iterator[Flat]:
    """Forked children see the rows without a copy; elsewhere each is sent all of them once."""
    forked = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forked else "spawn")
    with ProcessPoolExecutor(workers, context, _begin, (rows, encode)) as pool:
        try:
            for result in pool.map(_chunk, _chunks(rows)):
                if isinstance(result, ConchError):
                    raise result
                yield result
        except BrokenProcessPool as error:
            raise DataError("training.worker_died") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_work: tuple[Sequence[Any], Encode] | None = None
"""In a worker process: all rows, and what becomes of each."""


def _begin(rows: Sequence[Any], encode: Encode) -> None:
    global _work
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the parent's handlers are not ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = rows, encode
    gc.freeze()  # looking through the rows for garbage would copy their memory
    gc.set_threshold(SELDOM)


def _chunk(place: tuple[int, int]) -> Flat | ConchError:
    """One chunk of the work. Our errors are handed back as values: they know how to be told."""
    assert _work is not None
    rows, encode = _work
    try:
        return flatten(example for row in rows[slice(*place)] for example in encode(row))
    except ConchError as error:
        error.values = {
            name: v if isinstance(v, (int, float)) else str(v) for name, v in error.values.items()
        }
        error.args = (error.key, error.values)
        return error
