"""Loss curves of several runs in one picture: training loss smoothed, evaluation loss dashed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from conch.core.events import Event, Metrics
from conch.core.files import write_whole
from conch.training.plot import smooth


def plot_runs(runs: Mapping[str, Sequence[Event]], file: Path) -> None:
    """Draw the losses in the events of each run, named as its key."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, events) in enumerate(runs.items()):
        told = [event for event in events if isinstance(event, Metrics)]
        train = [(e.step, e.loss) for e in told if e.loss is not None]
        held_out = [(e.step, e.eval_loss) for e in told if e.eval_loss is not None]
        color = f"C{number % 10}"
        axes.plot([step for step, _ in train], smooth([loss for _, loss in train]), color=color, label=name)
        axes.plot(
            [step for step, _ in held_out],
            [loss for _, loss in held_out],
            color=color,
            linestyle="--",
            marker="o",
            markersize=4,
        )
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token); dashed: eval")
    axes.grid(alpha=0.25)
    axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png")
    write_whole(file, image.getvalue())
