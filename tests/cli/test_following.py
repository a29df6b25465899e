"""Ctrl-C while watching a run: the run goes on unless it is told to stop."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from conch.cli import following
from conch.cli.following import watch
from conch.core.events import Event, Finished, Metrics, Stopped
from conch.runs import Run, control
from tests.cli.made_up import made_up_run


@pytest.fixture
def run() -> Run:
    return made_up_run("20250101-000000-aaaa", "no end")


class Watched(Run):
    """A run whose watcher presses Ctrl-C at each of the first `presses` looks."""

    presses = 1

    def follow(self, offset: int = 0) -> Iterator[Event]:
        cls = type(self)
        if cls.presses:
            cls.presses -= 1
            raise KeyboardInterrupt
        return super().follow(offset)


def answering(choice: str | type[BaseException], run: Run):  # type: ignore[no-untyped-def]
    """A prompt that is answered with `choice`; meanwhile the run finishes."""

    def prompt(*_: object, **__: object) -> str:
        run.events.write(Metrics, step=4, total_steps=4, loss=1.5)
        run.events.write(Finished, step=4, train_seconds=5.0, tokens=9, tokens_per_second=1.0)
        if isinstance(choice, str):
            return choice
        raise choice

    return prompt


@pytest.mark.parametrize("choice", ["d", "c", "s", "x", KeyboardInterrupt, click.Abort])
def test_ctrl_c(
    choice: str | type[BaseException],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(following.click, "prompt", answering(choice, run))
    watched = Watched(run.folder)
    Watched.presses = 1
    assert watch(watched) == 0
    told = capsys.readouterr().err
    assert run.stop_path.exists() == (choice not in ("d", "c", "x"))
    assert ("Finished in 0:05" in told) == (choice != "d"), "what happened meanwhile is told"
    assert ("conch runs follow" in told) == (choice == "d")
    assert ("is not at work" in told) == (choice == "x"), "it finished before it could be cancelled"


def test_ctrl_c_may_cancel(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cancel(run: Run) -> int:
        run.events.write(Stopped, step=4)
        return 3

    monkeypatch.setattr(following.click, "prompt", lambda *_, **__: "x")
    monkeypatch.setattr(control, "cancel", cancel)
    Watched.presses = 1
    assert watch(Watched(run.folder)) == 0
    told = capsys.readouterr().err
    assert "3 processes were ended" in told
    assert "Stopped at step 4" in told
