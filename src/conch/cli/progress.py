"""A run's events as a person follows them: phases, a bar with loss, speed and time left, and how it ended."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from conch.cli.output import duration, how_it_stopped, size
from conch.cli.output import in_words as place_in_words
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
from conch.evaluation.words import shown
from conch.runs import words
from conch.runs.diagnosis.finding import in_words

ANNOUNCED = ("locating", "loading", "tokenising", "saving", "predicting")
"""Phases with a line of their own."""
WORTH_TELLING = 1.0
"""Seconds from which on the length of a phase is told."""


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
        self._current: tuple[str, float] | None = None
        """The phase that was announced, and when it began."""
        self._losses: dict[str, float] = {}
        self._newest: dict[str, float] = {}
        """The last known speed, time left and memory: an evaluation tells none of them."""
        self._best: tuple[int, float] | None = None
        """Step and value of the lowest evaluation loss."""
        self._evaluated = 0
        self._told_share = 0
        """Tenths of the rows that were told to be answered."""

    def __enter__(self) -> Follower:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def line(self, text: str, style: str | None = None) -> None:
        self.console.print(text, style=style, markup=False, emoji=False, soft_wrap=True)

    def show(self, event: Event) -> None:
        self._tell_time(event)
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
            case Warned():
                self.line(tr("cli.warning", message=words.warning(event)), "yellow")
            case Diagnosis():
                self.line(tr("cli.warning", message=in_words(event)), "yellow")
            case Finished() | Failed() | Stopped():
                self._end(event)

    def _room(self, event: Removed | Paused | Continued) -> None:
        """What there is to say about room on the disk."""
        match event:
            case Removed():
                key = "save_total_limit" if event.budget is None else "save_disk_budget"
                self.line(tr("cli.train.removed", key=key, path=event.path), "dim")
            case Paused():
                message, hint = words.paused(event)
                self.line(tr("cli.warning", message=message), "yellow")
                self.line(tr("cli.hint", hint=hint), "yellow")
            case Continued():
                self.line(tr("cli.train.continued", what=event.what, time=duration(event.seconds)))

    def _phase(self, event: Phase) -> None:
        facts = event.facts or {}
        if "doing" in facts:
            self.line(facts["doing"])
        elif event.name == "waiting":
            self.line(place_in_words(facts["device"], facts["position"], facts["behind"]), "dim")
        elif event.name == "tokenised" and facts:
            self.line(tr("cli.train.data", **facts))
        elif event.name == "training" and facts:
            count = f"{facts['trainable_parameters']:,}"
            self.line(tr("cli.train.training", **{**facts, "trainable_parameters": count}))
            self._task = self._task or self._bar.add_task(tr("cli.train.first_step"), total=None)
        elif event.name == "evaluating" and self._task is not None:
            words = self._words() or tr("cli.train.first_step")
            self._bar.update(self._task, description=f"{words}  {tr('cli.train.evaluating')}")
        elif event.name == "predicting" and "of" in facts:
            self._predicting(facts["done"], facts["of"])
        elif event.name == "predicted":
            self.line(tr("cli.train.predicted", **facts))
            for line in shown(facts["scores"]):
                self.line(line)
        elif event.name in ANNOUNCED and self._current is None:
            self.line(tr(f"cli.train.{event.name}"))
            self._current = event.name, event.t

    def _predicting(self, done: int, total: int) -> None:
        words = tr("cli.train.predicting")
        self._task = self._task or self._bar.add_task(words, total=total)
        self._bar.update(self._task, completed=done, total=total, description=words)
        share = 10 * done // max(1, total)
        if not self.console.is_terminal and share != self._told_share:
            self.line(tr("evaluation.progress", done=done, total=total))
        self._told_share = share

    def _tell_time(self, event: Event) -> None:
        """How long the announced phase took, once something else begins."""
        if self._current is None or (isinstance(event, Phase) and event.name == self._current[0]):
            return
        if isinstance(event, (Warned, Sample)):
            return
        seconds, self._current = event.t - self._current[1], None
        if seconds >= WORTH_TELLING:
            self.line(tr("cli.train.took", seconds=f"{seconds:.1f}"), "dim")

    def _metrics(self, event: Metrics) -> None:
        if event.loss is not None:
            self._losses["loss"] = event.loss
        if event.eval_loss is not None:
            self._losses["eval"] = event.eval_loss
            self._evaluated = event.step
            if self._best is None or event.eval_loss < self._best[1]:
                self._best = event.step, event.eval_loss
        told = {name: getattr(event, name) for name in ("tokens_per_second", "eta_seconds", "memory_bytes")}
        self._newest |= {name: value for name, value in told.items() if value is not None}
        words = self._words()
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

    def _words(self) -> str:
        newest = self._newest
        words = [f"{tr(f'cli.train.{name}')} {value:.3f}" for name, value in self._losses.items()]
        if "tokens_per_second" in newest:
            words.append(tr("cli.train.speed", speed=f"{newest['tokens_per_second']:.0f}"))
        if "eta_seconds" in newest:
            words.append(tr("cli.train.left", time=duration(newest["eta_seconds"])))
        if "memory_bytes" in newest:
            words.append(size(newest["memory_bytes"]))
        return "  ".join(words)

    def _end(self, event: Finished | Failed | Stopped) -> None:
        self._bar.stop()
        match event:
            case Finished(step=0):  # nothing was trained, and what was predicted is told
                return
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
                if self._best is not None and self._best[0] != self._evaluated:
                    step, loss = self._best
                    self.line(tr("cli.train.best", step=step, loss=f"{loss:.3f}"))
            case Stopped():
                self.line(how_it_stopped(event), "yellow")
            case Failed():
                self.line(tr("cli.error", message=event.message), "red")
                self.line(tr("cli.hint", hint=event.hint))
