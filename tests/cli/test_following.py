"""Ctrl-C while watching a run: the run goes on unless it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from conch.cli import following
from conch.cli.following import watch
from conch.core.events import Event, Finished, Metrics, Stopped
from conch.core.text import set_language, tr
from conch.runs import Run, control
from conch.runs.run import ENDED
from tests.cli.made_up import made_up_run


@pytest.fixture
def run() -> Run:
    """A run that this process is at work on."""
    made = made_up_run("20250101-000000-aaaa", "no end")
    made.claim(os.getpid())
    return made


class Watched(Run):
    """A run whose watcher presses Ctrl-C at each of the first `presses` looks; at the next it finishes."""

    presses = 1

    def follow(self, offset: int = 0) -> Iterator[Event]:
        cls = type(self)
        if cls.presses:
            cls.presses -= 1
            raise KeyboardInterrupt
        if self.state() not in ENDED:
            finish(self)
        return super().follow(offset)


def finish(run: Run) -> None:
    run.events.write(Metrics, step=4, total_steps=4, loss=1.5)
    run.events.write(Finished, step=4, train_seconds=5.0, tokens=9, tokens_per_second=1.0)


class Keyboard:
    """A terminal at which `keys` are typed, one answer a prompt; `meanwhile` the run may finish."""

    def __init__(
        self,
        run: Run,
        *keys: str | type[BaseException],
        terminal: bool = True,
        meanwhile: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self.run = run
        self.keys = list(keys)
        self.terminal = terminal
        self.meanwhile = meanwhile

    def isatty(self) -> bool:
        return self.terminal

    def read(self) -> str:
        self.meanwhile(self.run)
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
    assert "ended: 3; left: none" in told


@pytest.mark.parametrize("key", ["d", "s", "x", "c"])
def test_of_a_run_that_ended_meanwhile_the_end_is_shown_whatever_was_asked(
    key: str, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert press(run, Keyboard(run, key, meanwhile=finish), monkeypatch) == 0
    told = capsys.readouterr().err
    assert "Finished in 0:05" in told
    assert "goes on. Watch it" not in told
    assert not run.stop_path.exists()


@pytest.mark.parametrize("key", ["d", KeyboardInterrupt])
def test_leaving_a_run_that_is_stopping_says_that_it_stops(
    key: str | type[BaseException],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run.ask_to_stop()
    assert press(run, Keyboard(run, key), monkeypatch) == 0
    told = capsys.readouterr().err
    assert "The run is stopping" in told
    assert "saves after the step in hand and stops" in told
    assert "goes on" not in told


def test_a_second_ctrl_c_that_comes_before_the_question_stops_and_saves(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: bool) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(following, "_ask", interrupted)
    assert press(run, Keyboard(run), monkeypatch) == 0
    assert run.stop_path.exists()
    assert "Stopping after the step in hand" in capsys.readouterr().err


def test_the_question_says_what_a_second_ctrl_c_does() -> None:
    for language in ("en", "zh"):
        set_language(language)
        assert "Ctrl-C" in tr("cli.train.ctrl_c")
        assert "Ctrl-C" in tr("cli.train.ctrl_c_stopping")


@pytest.mark.parametrize(
    ("end", "said"),
    [("finished", "conch export"), ("stopped", "conch runs resume"), ("failed", ""), ("no end", "")],
)
def test_what_to_do_next_follows_from_how_it_ended(
    end: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = made_up_run("20250202-000000-bbbb", end)
    following.tell_next(ended)
    told = capsys.readouterr().out
    assert said in told if said else told == ""
    assert (f"conch chat {ended.output}/checkpoint-4" in told) == (end == "stopped")
