"""What a foreign error says of the network: whether it failed there, and how.

The hubs' client libraries let the errors of their HTTP libraries through: httpx, or httpx2 for newer
ones. They are told by their names here, so that none of the two is imported.
"""

from __future__ import annotations

from dataclasses import dataclass

from conch.core import disk

_LIBRARIES = frozenset({"httpx", "httpx2"})
_ERRORS = frozenset({"HTTPError", "InvalidURL", "StreamError"})
"""The roots of what they raise."""


@dataclass(frozen=True)
class Failure:
    """How the network failed. `stalled`: no answer in the time given. `absent`: nobody was there."""

    stalled: bool = False
    absent: bool = False


def failure(error: BaseException) -> Failure | None:
    """How the network failed; None where `error` is none of the network.

    An error of the system is one of the network unless it is about a file or a disk.
    """
    kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.partition(".")[0] in _LIBRARIES}
    if kinds & _ERRORS:
        absent = bool(kinds & {"ConnectTimeout", "ConnectError"})
        return Failure(stalled="TimeoutException" in kinds, absent=absent)
    if not isinstance(error, OSError) or error.filename is not None or error.errno in disk.REFUSED:
        return None
    return Failure()
