"""What a trainer does → the event log; and the wish to stop → the trainer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import psutil
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from conch.core.events import Metrics
from conch.runs.log import EventLog
from conch.runs.machine import swapped
from conch.training.leaps import Leaps
from conch.training.pace import Pace
from conch.training.pausing import Pauses


class Reporter(TrainerCallback):
    """Tells the event log what the trainer logs, and hears when somebody wants it to stop."""

    def __init__(
        self,
        log: EventLog,
        wants_stop: Callable[[], bool],
        wants_save: Callable[[], bool],
        pauses: Pauses,
    ) -> None:
        self.log = log
        self.wants_stop = wants_stop
        self.wants_save = wants_save
        self.pauses = pauses
        self.leaps = Leaps()
        self.stopped = False
        self.tokens_before = 0
        """Tokens that earlier attempts trained on."""
        self._pace = Pace(time.monotonic(), 0, 0)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.tokens_before = state.num_input_tokens_seen
        self._pace = Pace(time.monotonic(), state.num_input_tokens_seen, state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not self.pauses.insist_on_news():
            self.give_up(control)
            control.should_save = True  # the checkpoints may lie on another disk
        if self.wants_stop() and state.global_step < state.max_steps:
            self.stopped = True
            control.should_training_stop = True
            control.should_save = True
        if self.wants_save():
            control.should_save = True

    def give_up(self, control: TrainerControl) -> None:
        """End the training here: what it makes can't be written."""
        self.stopped = True
        control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        logs = logs or {}
        if "train_runtime" in logs:
            return
        norm = _finite(logs.get("grad_norm"))
        self._pace.set_aside(sum(value for key, value in logs.items() if key.endswith("_runtime")))
        speed, eta = self._reported(state) if "loss" in logs else (None, None)
        self.log.write(
            Metrics,
            step=state.global_step,
            total_steps=state.max_steps,
            epoch=_rounded(state.epoch, 4),
            loss=_finite(logs.get("loss")),
            eval_loss=_finite(logs.get("eval_loss")),
            eval_losses=_by_dataset(logs) or None,
            learning_rate=logs.get("learning_rate"),
            grad_norm=norm,
            tokens=state.num_input_tokens_seen,
            tokens_per_second=speed,
            eta_seconds=eta,
            memory_bytes=psutil.Process().memory_info().rss,
            swapped_bytes=swapped() or None,
            rows=self.leaps.rows_behind(norm),
        )

    def _reported(self, state: TrainerState) -> tuple[float | None, float | None]:
        step = state.global_step
        return self._pace.report(time.monotonic(), state.num_input_tokens_seen, step, state.max_steps)


def _by_dataset(logs: dict[str, float]) -> dict[str, float]:
    """`eval_NAME_loss` for each dataset that was evaluated by itself."""
    found = {key[5:-5]: _finite(v) for key, v in logs.items() if re.fullmatch("eval_.+_loss", key)}
    return {name: value for name, value in found.items() if value is not None}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _finite(value: Any) -> float | None:
    """JSON knows no NaN; a loss that is not a number is left out."""
    number = None if value is None else float(value)
    return None if number is None or number != number or abs(number) == float("inf") else number
