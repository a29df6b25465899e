"""Names for requests, answers and calls: they differ from one another, and open nothing."""

from __future__ import annotations

from random import Random

_random = Random()
"""Our own: training seeds the common one. To ask the system each time would cost a switch of threads."""


def new_id(letters: int = 32) -> str:
    """So many hexadecimal digits."""
    return f"{_random.getrandbits(4 * letters):0{letters}x}"
