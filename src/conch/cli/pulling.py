"""Downloads and moves as a person watches them: bars in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from conch.cli.output import duration, size
from conch.core.text import tr
from conch.models.pull_events import Fetched, Listed, Pulled, PullEvent, sentence

SECONDS = 3.0
"""Between two lines where there is no terminal."""


class PullView:
    """Shows the events of a download one by one. Use as a context manager."""

    def __init__(self, name: str, console: Console | None = None, every: float = SECONDS) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._name = name
        self._every = every
        self._told = time.monotonic()
        self.begun = False
        """Whether a hub was found to have the model."""
        self._tasks: dict[str, Any] = {}
        self._bar = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> PullView:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt and self.begun:
            self.line(tr("cli.models.resumable", name=self._name))

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, emoji=False, soft_wrap=True)

    def show(self, event: PullEvent) -> None:
        match event:
            case Listed():
                self.begun = True
                self._clear()
                self.line(
                    tr(
                        "cli.models.listed",
                        files=event.files,
                        size=size(event.size),
                        at_hand=size(event.at_hand),
                        folder=event.folder,
                    )
                )
            case Fetched():
                self._fetched(event)
            case Pulled():
                self._clear()
                self.line(tr("cli.models.pulled", size=size(event.fetched), time=duration(event.seconds)))
            case _:
                if (text := sentence(event)) is not None:
                    self.line(text)

    def _fetched(self, event: Fetched) -> None:
        speed, left = size(event.speed), duration(event.seconds_left)
        words = tr(
            "cli.models.progress",
            done=size(event.total_done),
            total=size(event.total),
            speed=speed,
            left=left,
        )
        if not self.console.is_terminal:
            if time.monotonic() - self._told >= self._every:
                self._told = time.monotonic()
                self.line(words)
            return
        self._update("", tr("cli.models.all_files"), event.total_done, event.total, words)
        told = f"{size(event.done)} / {size(event.size)}"
        self._update(event.file, event.file, event.done, event.size, told)
        if event.done >= event.size:
            self._bar.update(self._tasks[event.file], visible=False)

    def _update(self, key: str, label: str, done: int, total: int, words: str) -> None:
        if key not in self._tasks:
            self._tasks[key] = self._bar.add_task("", total=total, label=label, words=words)
        self._bar.update(self._tasks[key], completed=done, total=total, words=words)

    def _clear(self) -> None:
        for task in self._tasks.values():
            self._bar.remove_task(task)
        self._tasks = {}


@contextmanager
def moving(total: int, console: Console | None = None) -> Iterator[Callable[[str, int, int], None]]:
    """What to tell a move about its bytes; shows one bar."""
    console = console or Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(24), console=console, disable=not console.is_terminal
    )
    done: dict[str, int] = {}
    with bar:
        task = bar.add_task("", total=total or 1)

        def told(place: str, copied: int, of: int) -> None:
            done[place] = copied
            bar.update(task, completed=sum(done.values()), description=f"{place} {size(copied)} / {size(of)}")

        yield told
