"""`training_loss.png`: raw, smoothed and evaluation loss over steps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from conch.core.events import Event, Metrics
from conch.core.files import write_whole

SMOOTHING = 0.6
"""Weight of the past in the smoothed curve (an exponential moving average, bias corrected)."""


def smooth(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """Exponential moving average that starts at the first value instead of at 0."""
    smoothed: list[float] = []
    average, debias = 0.0, 1.0
    for value in values:
        average = weight * average + (1 - weight) * value
        debias *= weight
        smoothed.append(average / (1 - debias))
    return smoothed


def plot_loss(events: Sequence[Event], file: Path) -> None:
    """Draw the losses in `events`. Writes nothing where there are none."""
    train = [(e.step, e.loss) for e in events if isinstance(e, Metrics) and e.loss is not None]
    held_out = [(e.step, e.eval_loss) for e in events if isinstance(e, Metrics) and e.eval_loss is not None]
    if not train:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    steps = [step for step, _ in train]
    losses = [loss for _, loss in train]
    axes.plot(steps, losses, color="#9db8d9", linewidth=1, label="train loss")
    axes.plot(steps, smooth(losses), color="#1f5fa8", linewidth=2, label="train loss, smoothed")
    if held_out:
        axes.plot(
            *zip(*held_out, strict=True),
            color="#d9603b",
            linewidth=2,
            marker="o",
            markersize=4,
            label="eval loss",
        )
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    axes.grid(alpha=0.25)
    axes.legend()
    image = io.BytesIO()
    figure.savefig(image, format="png")
    write_whole(file, image.getvalue())
