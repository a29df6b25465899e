"""What the rules look at: a run's events and its config, nothing else, so an ended run can be read too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conch.core.events import Checkpoint, Event, Metrics, Phase, Removed, Started

Point = tuple[int, float]
"""A step and a value."""


@dataclass(frozen=True)
class Facts:
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[Metrics, ...] = ()
    """In the order of steps; steps that were done again count once, as they went the last time."""
    checkpoints: tuple[int, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    """Rows, tokens, trained tokens, truncated rows, longest row."""
    packed: bool | None = None
    machine_bytes: int | None = None

    def points(self, name: str) -> list[Point]:
        """All known values of one metric, with their steps."""
        known = ((event.step, getattr(event, name)) for event in self.metrics)
        return [(step, value) for step, value in known if value is not None]

    def values(self, name: str) -> list[float]:
        return [value for _, value in self.points(name)]

    @property
    def step(self) -> int:
        return self.metrics[-1].step if self.metrics else 0

    @property
    def completed(self) -> bool:
        """Whether training went to its last step, rather than being stopped or failing before."""
        totals = [event.total_steps for event in self.metrics if event.total_steps]
        return bool(totals) and self.step >= totals[-1]

    def nan_steps(self) -> list[int]:
        """Steps whose loss was not a number: told with a learning rate, but without a loss."""
        return [e.step for e in self.metrics if e.learning_rate is not None and e.loss is None]

    def epoch_at(self, step: int) -> float | None:
        """How many epochs had passed at `step`."""
        passed = [e.epoch for e in self.metrics if e.step <= step and e.epoch is not None]
        return passed[-1] if passed else None

    def rows_at(self, step: int) -> dict[str, list[int]]:
        """The rows of that step by file, where they were told."""
        return next((e.rows for e in self.metrics if e.step == step and e.rows), {})

    def number(self, key: str, otherwise: float) -> float:
        """A number of the config."""
        value = self.config.get(key)
        return otherwise if value is None or isinstance(value, str) else float(value)


def _steps_done(started: Started) -> int:
    """The step that an attempt goes on from."""
    step = (started.resumed_from or "").rpartition("-")[2]
    return int(step) if step.isdecimal() else 0


def gather(events: Iterable[Event], config: Mapping[str, Any]) -> Facts:
    """The facts in a run's events, over all its attempts."""
    metrics: list[Metrics] = []
    checkpoints: set[int] = set()
    data: dict[str, Any] = {}
    packed: bool | None = None
    machine: int | None = None
    for event in events:
        match event:
            case Metrics():
                metrics.append(event)
            case Checkpoint():
                checkpoints.add(event.step)
            case Removed():
                checkpoints.discard(event.step)
            case Started():
                machine = event.memory_total or machine
                done = _steps_done(event)
                metrics = [earlier for earlier in metrics if earlier.step <= done]
            case Phase(name="tokenised", facts=dict() as told):
                data = told
            case Phase(name="training", facts=dict() as told):
                packed = told.get("packed")
    return Facts(config, tuple(metrics), tuple(sorted(checkpoints)), data, packed, machine)
