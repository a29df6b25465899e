"""Runs side by side: what was asked differently, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from conch.core.events import Finished
from conch.runs.diagnosis.facts import Facts, gather
from conch.runs.follow import read_events
from conch.runs.follow_up import OWN
from conch.runs.run import Run

METRICS = (
    *("steps", "loss", "best_loss", "eval_loss", "best_eval_loss", "best_eval_step"),
    *("tokens", "tokens_per_second", "train_seconds", "memory_bytes"),
)
"""What is compared, in the order in which it is shown."""


def compare(runs: Sequence[Run]) -> dict[str, Any]:
    """`runs` with their figures, and `config`: each key that differs to its values in the order of `runs`."""
    return {
        "runs": [
            {"id": run.id, "name": run.flat_config().get("run_name"), "state": run.state(), **figures(run)}
            for run in runs
        ],
        "config": differences([run.flat_config() for run in runs]),
    }


def differences(configs: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Every key whose values are not all alike, to those values. What names and places a run is left out."""
    keys = [key for key in dict.fromkeys(key for config in configs for key in config) if key not in OWN]
    values = {key: [config.get(key) for config in configs] for key in keys}
    return {key: listed for key, listed in values.items() if any(value != listed[0] for value in listed)}


def figures(run: Run) -> dict[str, Any]:
    """The run's own row of the table; None for what is not known."""
    events = read_events(run.events_path)
    facts = gather(events, run.flat_config())
    ends = [event for event in events if isinstance(event, Finished)]
    end = ends[-1] if ends else None
    losses, held_out = facts.values("loss"), facts.points("eval_loss")
    best_step, best = min(held_out, key=lambda point: point[1], default=(None, None))
    values = {
        "steps": facts.step,
        "loss": losses[-1] if losses else None,
        "best_loss": min(losses, default=None),
        "eval_loss": held_out[-1][1] if held_out else None,
        "best_eval_loss": best,
        "best_eval_step": best_step,
        "tokens": end.tokens if end else max(facts.values("tokens"), default=None),
        "tokens_per_second": end.tokens_per_second if end else _speed(facts),
        "train_seconds": end.train_seconds if end else None,
        "memory_bytes": max(facts.values("memory_bytes"), default=None),
    }
    return {name: values[name] for name in METRICS}


def _speed(facts: Facts) -> float | None:
    speeds = facts.values("tokens_per_second")
    return median(speeds) if speeds else None
