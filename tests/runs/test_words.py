"""What a worker told in one language is read in another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conch.core import text
from conch.core.events import Paused, Warned
from conch.runs import Run, read_events, words
from conch.training.pausing import Pauses, Subject
from tests.cli.made_up import made_up_run
from tests.cli.program import call

OLD = "20260101-000000-0001"


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose English worker met a full disk and warned of a small budget."""
    run = made_up_run(OLD, "no end")
    run.claim(os.getpid())
    run.events.warn("training.budget", count=2, taken="1.5", budget="1")
    wishes = iter([False, True])

    def full() -> None:
        raise OSError(28, "No space left on device")

    pauses = Pauses(run.events, lambda: next(wishes), minutes=30)
    assert not pauses.insist(full, Subject("checkpoint-7", run.folder, needed=1_000))
    return run


def test_show_list_and_follow_speak_to_the_reader(paused: Run) -> None:
    shown = call("runs", "show", OLD, language="zh").out
    assert "暂停中" in shown
    assert "已暂停：无法将 checkpoint-7 写入" in shown
    assert "请在该处腾出约 0.0 MB" in shown
    assert "Paused" not in shown
    assert "暂停中" in call("runs", "list", language="zh").out
    english = call("runs", "show", OLD).out
    assert "Paused: checkpoint-7 can't be written" in english
    assert "paused" in call("runs", "list").out


def test_warnings_too(paused: Run) -> None:
    told = [event for event in read_events(paused.events_path) if isinstance(event, Warned)]
    assert "checkpoints" in words.warning(told[-1])
    text.set_language("zh")
    assert "检查点" in words.warning(told[-1])


@pytest.mark.parametrize("values", [None, {"unheard": 1}])
def test_what_another_version_told_stays(tmp_path: Path, values: dict[str, int] | None) -> None:
    text.set_language("zh")
    assert words.warning(Warned(0.0, "As told.", "training.budget", values)) == "As told."
    assert words.warning(Warned(0.0, "As told.", "training.unheard_of", {})) == "As told."
    event = Paused(0.0, "it", "/", "As told.", "Do so.", values=values)
    assert words.paused(event) == ("As told.", "Do so.")
