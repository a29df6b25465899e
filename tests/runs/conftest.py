"""Workers that sleep, and nothing of them left behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conch.runs import list_runs
from tests.runs.helpers import processes, stub_variables


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Workers sleep instead of training; those that are left at the end are killed."""
    for name, value in stub_variables().items():
        monkeypatch.setenv(name, value)
    yield
    for process in processes(list_runs()):
        process.kill()
