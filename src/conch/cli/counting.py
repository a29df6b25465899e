"""How many rows were looked at so far, told on one line of a terminal while a person waits."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from conch.core.text import tr

SECONDS = 1.0
"""Between two times that it is told."""
_CLEARED = "\r\033[K"
"""What empties a line of a terminal."""


@contextmanager
def counting() -> Iterator[Callable[[int], None]]:
    """What to tell the number of rows; it shows nothing where nobody watches."""
    watched, told = sys.stderr.isatty(), time.monotonic()
    shown = False

    def hear(rows: int) -> None:
        nonlocal told, shown
        if watched and time.monotonic() - told >= SECONDS:
            told, shown = time.monotonic(), True
            click.echo(f"\r{tr('cli.data.counted', rows=rows)}", err=True, nl=False)

    try:
        yield hear
    finally:
        if shown:
            click.echo(_CLEARED, err=True, nl=False)
