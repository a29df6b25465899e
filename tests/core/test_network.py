"""Which errors are the network's, by the libraries that raise them."""

from __future__ import annotations

import errno
import socket
from importlib import import_module

import pytest

from conch.core.network import Failure, failure


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ConnectTimeout", Failure(stalled=True, absent=True)),
        ("ReadTimeout", Failure(stalled=True)),
        ("PoolTimeout", Failure(stalled=True)),
        ("ConnectError", Failure(absent=True)),
        ("ReadError", Failure()),
        ("RemoteProtocolError", Failure()),
        ("InvalidURL", Failure()),
    ],
)
def test_errors_of_the_http_libraries(library: str, name: str, expected: Failure) -> None:
    pytest.importorskip(library)
    assert failure(getattr(import_module(library), name)("it is so")) == expected


def test_a_refused_connection_is_the_networks_whatever_the_system_calls_it() -> None:
    httpx = pytest.importorskip("httpx")
    error = httpx.ConnectError("[Errno 1] Operation not permitted")
    error.__cause__ = PermissionError(errno.EPERM, "Operation not permitted")
    assert failure(error) == Failure(absent=True)


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(errno.ECONNRESET, "reset"), TimeoutError(), socket.gaierror(-2, "unknown")],
    ids=repr,
)
def test_errors_of_the_system_about_the_network(error: OSError) -> None:
    assert failure(error) == Failure()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        FileNotFoundError(errno.ENOENT, "gone", "/cache/x"),
        OSError(errno.ENAMETOOLONG, "long", "/cache/x"),
        TypeError("ours"),
        KeyError("ours"),
        ValueError("ours"),
    ],
    ids=repr,
)
def test_errors_that_are_none_of_the_networks(error: Exception) -> None:
    assert failure(error) is None
