"""What a training leaves behind: the model, the figures, and the news of how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from conch.core.errors import TrainingError
from conch.core.events import Metrics, Stopped
from conch.core.files import publish, temporary_folder, write_whole
from conch.runs.checkpoints import step_of
from conch.runs.follow import read_events
from conch.training.checkpoint import STATE, latest
from conch.training.plot import plot_loss
from conch.training.trainer import ConchTrainer


def tell_stopped(trainer: ConchTrainer) -> None:
    """Say where the run can go on from. Raises TrainingError where a full disk left nothing to go on from."""
    output, log, pauses = trainer.output, trainer.setup.log, trainer.pauses
    checkpoint = latest(output)
    if pauses.gave_up is not None:
        if checkpoint is None and pauses.time_is_up:
            minutes = f"{pauses.seconds / 60:g}"
            raise TrainingError(
                "training.disk_full", folder=output, reason=pauses.gave_up.strerror, minutes=minutes
            )
        if checkpoint is None or step_of(checkpoint) < trainer.state.global_step:
            log.warn(
                "training.unsaved",
                first=step_of(checkpoint) + 1 if checkpoint else 1,
                last=trainer.state.global_step,
            )
    log.write(Stopped, step=trainer.state.global_step, checkpoint=str(checkpoint) if checkpoint else None)


def save_output(trainer: ConchTrainer) -> None:
    """The adapter or model, flushed under a temporary name, then moved into `output` file by file.

    The config file goes last: a folder without it is not taken for a model.
    """
    output = trainer.output
    with temporary_folder(output) as staging:
        trainer.save_model(str(staging))
        trainer.processing_class.save_pretrained(staging)
        for file in sorted(
            staging.iterdir(), key=lambda path: path.name in {"adapter_config.json", "config.json"}
        ):
            publish(file, output / file.name)


def write_figures(trainer: ConchTrainer, metrics: dict[str, Any], seconds: float, *, plot: bool) -> None:
    """`trainer_state.json`, `all_results.json` and `training_loss.png`."""
    state, output = trainer.state, trainer.output
    told = told_metrics(trainer)
    with temporary_folder(output) as staging:
        state.save_to_json(str(staging / STATE))
        publish(staging / STATE, output / STATE)
    summary: dict[str, Any] = next(
        (entry for entry in reversed(state.log_history) if "train_loss" in entry), {}
    )
    evaluated: dict[str, Any] = next(
        (entry for entry in reversed(state.log_history) if "eval_loss" in entry), {}
    )
    results = {
        **summary,
        **evaluated,
        **metrics,
        "loss": _newest(event.loss for event in told),
        "eval_loss": _newest(event.eval_loss for event in told),
        "tokens": state.num_input_tokens_seen,
        "train_seconds": seconds,
    }
    write_whole(output / "all_results.json", json.dumps(results, indent=2))
    if plot:
        plot_loss(told, output / "training_loss.png")


def ending(trainer: ConchTrainer, seconds: float) -> dict[str, Any]:
    """How the training went, as the event `finished` tells it."""
    told, tokens = told_metrics(trainer), trainer.state.num_input_tokens_seen
    return {
        "step": trainer.state.global_step,
        "train_seconds": round(seconds, 3),
        "tokens": tokens,
        "tokens_per_second": round((tokens - trainer.reporter.tokens_before) / seconds, 1),
        "loss": _newest(event.loss for event in told),
        "eval_loss": _newest(event.eval_loss for event in told),
    }


def told_metrics(trainer: ConchTrainer) -> list[Metrics]:
    return [event for event in read_events(trainer.setup.log.path) if isinstance(event, Metrics)]


def _newest(values: Iterable[float | None]) -> float | None:
    return next((value for value in reversed(list(values)) if value is not None), None)
