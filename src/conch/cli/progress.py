"""A run's events as a person follows them: phases, a bar with loss, speed and time left, and how it ended."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from conch.cli.output import duration, in_words, size
from conch.core.events import (
    Checkpoint,
    Continued,
    Diagnosis,
    Event,
    Failed,
    Finished,
    Metrics,
    Paused,
    Phase,
    Removed,
    Sample,
    Started,
    Stopped,
    Warned,
)
from conch.core.text import tr


class Follower:
    """Shows events one by one. Use as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._bar = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task: Any = None
        self._shown = ""
        self._losses: dict[str, float] = {}

    def __enter__(self) -> Follower:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def line(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)

    def show(self, event: Event) -> None:
        match event:
            case Started(resumed_from=str() as checkpoint):
                self.line(tr("cli.train.resumed", checkpoint=checkpoint))
            case Phase():
                self._phase(event)
            case Metrics():
                self._metrics(event)
            case Checkpoint():
                self.line(tr("cli.train.checkpoint", step=event.step, path=event.path), "dim")
            case Sample():
                said = tr("cli.train.sample", step=event.step, prompt=event.prompt, answer=event.answer)
                self.line(said, "cyan")
            case Removed() | Paused() | Continued():
                self._room(event)
            case Warned() | Diagnosis():
                self.line(tr("cli.warning", message=event.message), "yellow")
            case Finished() | Failed() | Stopped():
                self._end(event)

    def _room(self, event: Removed | Paused | Continued) -> None:
        """What there is to say about room on the disk."""
        match event:
            case Removed():
                self.line(tr("cli.train.removed", path=event.path), "dim")
            case Paused():
                self.line(tr("cli.warning", message=event.message), "yellow")
                self.line(tr("cli.hint", hint=event.hint), "yellow")
            case Continued():
                self.line(tr("cli.train.continued", what=event.what, time=duration(event.seconds)))

    def _phase(self, event: Phase) -> None:
        facts = event.facts or {}
        if "doing" in facts:
            self.line(facts["doing"])
        elif event.name == "waiting":
            self.line(in_words(facts["device"], facts["position"], facts["behind"]), "dim")
        elif event.name == "tokenised" and facts:
            self.line(tr("cli.train.data", **facts))
        elif event.name == "training" and facts:
            self.line(
                tr(
                    "cli.train.training",
                    **{**facts, "trainable_parameters": f"{facts['trainable_parameters']:,}"},
                )
            )
        elif event.name != self._shown and event.name in {"loading", "tokenising", "saving"}:
            self.line(tr(f"cli.train.{event.name}"))
        self._shown = event.name

    def _metrics(self, event: Metrics) -> None:
        if event.loss is not None:
            self._losses["loss"] = event.loss
        if event.eval_loss is not None:
            self._losses["eval"] = event.eval_loss
        words = self._words(event)
        if self._task is None:
            self._task = self._bar.add_task(words, total=event.total_steps)
        self._bar.update(self._task, completed=event.step, total=event.total_steps, description=words)
        if event.eval_loss is not None or (not self.console.is_terminal and self._is_due(event)):
            self.line(
                tr("cli.train.step", step=event.step, total=event.total_steps or "?", words=words).rstrip()
            )

    def _is_due(self, event: Metrics) -> bool:
        """Whether a reader without a terminal should hear of this step: about twenty times a run."""
        return event.step % max(1, (event.total_steps or 0) // 20) == 0

    def _words(self, event: Metrics) -> str:
        words = [f"{tr(f'cli.train.{name}')} {value:.3f}" for name, value in self._losses.items()]
        if event.tokens_per_second is not None:
            words.append(tr("cli.train.speed", speed=f"{event.tokens_per_second:.0f}"))
        if event.eta_seconds is not None:
            words.append(tr("cli.train.left", time=duration(event.eta_seconds)))
        if event.memory_bytes is not None:
            words.append(size(event.memory_bytes))
        return "  ".join(words)

    def _end(self, event: Finished | Failed | Stopped) -> None:
        self._bar.stop()
        match event:
            case Finished():
                self.line(
                    tr(
                        "cli.train.finished",
                        time=duration(event.train_seconds),
                        tokens=f"{event.tokens:,}",
                        speed=f"{event.tokens_per_second:.0f}",
                        loss="-" if event.loss is None else f"{event.loss:.3f}",
                        eval_loss="-" if event.eval_loss is None else f"{event.eval_loss:.3f}",
                    ),
                    "green",
                )
            case Stopped():
                self.line(
                    tr("cli.train.stopped", step=event.step, checkpoint=event.checkpoint or "-"), "yellow"
                )
            case Failed():
                self.line(tr("cli.error", message=event.message), "red")
                self.line(tr("cli.hint", hint=event.hint))
