"""Whoever is told of a run, and whatever goes wrong with that: the run goes its way."""

from __future__ import annotations

import pytest

from conch.core.events import Warned
from conch.runs import Run
from conch.runs.notify import tell
from tests.cli.made_up import made_up_run
from tests.runs.helpers import of
from tests.runs.notify.servers import robot

OLD = "20250101-000000-aaaa"


def test_whom_the_config_names_is_told() -> None:
    with robot() as server:
        run = made_up_run(OLD, notify=server.url)
        tell(run)
    assert [body["run"] for body in server.bodies] == [OLD]
    assert of(run, Warned) == []


@pytest.mark.parametrize("notify", [{"url": "x"}, [[1]]])
def test_a_config_that_somebody_broke_is_told_and_no_more(notify: object) -> None:
    run = made_up_run(OLD)
    run.config_path.write_text(f"notify: {notify}\n")
    tell(Run(run.folder))
    assert [event.key for event in of(run, Warned)] == ["notify.failed_to_tell"]


def test_a_fault_of_our_own_is_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run(OLD, notify="nobody")
    monkeypatch.setattr(Run, "summary", lambda self: 1 / 0)
    tell(run)
    (warned,) = of(run, Warned)
    assert "ZeroDivisionError" in warned.message
