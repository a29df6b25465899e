"""Looking into a log without parsing all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.core.events import Metrics
from conch.runs.log import EventLog
from conch.runs.summary import open_log


@pytest.mark.parametrize("content", [None, b""], ids=["none", "empty"])
def test_no_log_is_an_empty_one(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "events.jsonl"
    if content is not None:
        path.write_bytes(content)
    with open_log(path) as log:
        assert log.any_first() is None
        assert log.last(Metrics) is None


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError])
def test_an_error_of_who_looks_stays_that_error(tmp_path: Path, error: type[Exception]) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).write(Metrics, step=3)
    with pytest.raises(error, match="theirs"), open_log(path):
        raise error("theirs")
