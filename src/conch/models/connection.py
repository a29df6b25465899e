"""Bytes over HTTP, through the hub client library's own session: its proxies, its certificates.

A redirect to another host loses the Authorization header: the session's HTTP library sees to it.
That library is httpx for huggingface_hub 1.x and httpx2 for 2.x; nothing here depends on which.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from conch.core import env, network
from conch.core.errors import first_line
from conch.core.hubs import PASSING
from conch.models.patience import Patience
from conch.models.source import RefusedError, TryAgainError


@dataclass(frozen=True)
class Answer:
    """A response under way. `start` is the offset of its first byte in the file."""

    start: int
    chunks: Iterator[bytes]
    size: int | None
    """Of the whole file, where the server tells."""


def _session() -> Any:
    env.quiet_libraries()
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    return get_session()


@contextmanager
def translated() -> Iterator[None]:
    """The network's errors become TryAgainError."""
    try:
        yield
    except Exception as error:
        failed = network.failure(error)
        if failed is None:
            raise
        raise TryAgainError(first_line(error), stalled=failed.stalled, absent=failed.absent) from error


@contextmanager
def get(
    url: str, headers: Mapping[str, str], patience: Patience, start: int = 0, end: int | None = None
) -> Iterator[Answer]:
    """GET `url` from byte `start` on, up to and without `end`. Raises TryAgainError and RefusedError."""
    asked = {**headers, "Accept-Encoding": "identity"}
    if start or end is not None:
        asked["Range"] = f"bytes={start}-" + ("" if end is None else str(end - 1))
    timeout = (patience.connect, patience.stall, patience.stall, patience.connect)
    with ExitStack() as stack:
        with translated():
            response = stack.enter_context(_session().stream("GET", url, headers=asked, timeout=timeout))
        _check(response)
        yield _answer(response)


def _chunks(response: Any) -> Iterator[bytes]:
    with translated():
        yield from response.iter_bytes()


def _answer(response: Any) -> Answer:
    declared = response.headers.get("Content-Range", "")
    start = 0
    if response.status_code == 206:
        span, _, size = declared.removeprefix("bytes ").partition("/")
        start, declared = int(span.partition("-")[0] or 0), size
    else:
        declared = response.headers.get("Content-Length", "")
    return Answer(start, _chunks(response), int(declared) if declared.isdigit() else None)


def _check(response: Any) -> None:
    status = response.status_code
    if status in PASSING:
        raise TryAgainError(f"HTTP {status}", retry_after(response.headers))
    if status == 416:
        raise RefusedError(status, "range")
    if status >= 400:
        raise RefusedError(status, response.headers.get("X-Error-Message") or f"HTTP {status}")


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """What `Retry-After` asks for, in seconds: it holds seconds or a date."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now())
    except (ValueError, TypeError):
        return None


def answers_in(url: str, timeout: float) -> float | None:
    """Seconds to the first answer of `url`, whatever it says short of a server error; else None."""
    began = time.monotonic()
    try:
        with translated():
            response = _session().head(url, timeout=timeout, follow_redirects=False)
    except TryAgainError:
        return None
    return time.monotonic() - began if response.status_code < 500 else None
