"""Ctrl-C while watching a run: the run goes on unless it is told to stop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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


class Keyboard:
    """A terminal at which `keys` are typed, one answer a prompt; meanwhile the run finishes."""

    def __init__(self, run: Run, *keys: str | type[BaseException], terminal: bool = True) -> None:
        self.run = run
        self.keys = list(keys)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def read(self) -> str:
        if self.run.state() != "finished":
            self.run.events.write(Metrics, step=4, total_steps=4, loss=1.5)
            self.run.events.write(Finished, step=4, train_seconds=5.0, tokens=9, tokens_per_second=1.0)
        key = self.keys.pop(0)
        if isinstance(key, str):
            return key
        raise key


def press(run: Run, keyboard: Keyboard | None, monkeypatch: pytest.MonkeyPatch) -> int:
    """Watch `run`, press Ctrl-C once, and answer what is asked with the keyboard's keys."""
    monkeypatch.setattr("sys.stdin", keyboard)
    if keyboard is not None:
        monkeypatch.setattr("builtins.input", keyboard.read)
    Watched.presses = 1
    return watch(Watched(run.folder))


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (["d"], "detach"),
        ([""], "detach"),
        ([EOFError], "detach"),
        (["c"], "watch"),
        (["q", "C "], "watch"),
        (["s"], "stop"),
        ([KeyboardInterrupt], "stop"),
    ],
)
def test_ctrl_c(
    keys: list[str | type[BaseException]],
    wanted: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keyboard = Keyboard(run, *keys)
    assert press(run, keyboard, monkeypatch) == 0
    assert keyboard.keys == []
    told = capsys.readouterr().err
    assert run.stop_path.exists() == (wanted == "stop")
    assert ("Finished in 0:05" in told) == (wanted != "detach"), "what happened meanwhile is told"
    assert ("conch runs follow" in told) == (wanted == "detach")


@pytest.mark.parametrize("terminal", [False, None])
def test_ctrl_c_where_nobody_can_answer_leaves_the_run_alone(
    terminal: bool | None, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard = None if terminal is None else Keyboard(run, terminal=terminal)
    assert press(run, keyboard, monkeypatch) == 0
    assert not run.stop_path.exists()
    told = capsys.readouterr().err
    assert "[d]etach" not in told
    assert "conch runs follow" in told


def test_ctrl_c_may_cancel(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def cancel(run: Run) -> int:
        run.events.write(Stopped, step=4)
        return 3

    monkeypatch.setattr(control, "cancel", cancel)
    assert press(run, Keyboard(run, "x"), monkeypatch) == 0
    told = capsys.readouterr().err
    assert "3 processes were ended" in told


def test_ctrl_c_cancels_nothing_that_has_ended(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert press(run, Keyboard(run, "x"), monkeypatch) == 0
    assert "is not at work" in capsys.readouterr().err
