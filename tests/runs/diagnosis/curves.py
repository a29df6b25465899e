"""Made-up curves: faulty ones, one for each rule, and healthy ones of several shapes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from conch.core.events import Checkpoint, Event, Metrics, Phase, Started

Shape = Callable[[float], float]
"""Share of the training done → loss."""

CONFIG: dict[str, Any] = {
    "learning_rate": 1e-4,
    "num_train_epochs": 3.0,
    "max_steps": -1,
    "max_grad_norm": 1.0,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 2,
    "cutoff_len": 512,
    "finetuning_type": "lora",
    "mask_history": False,
}
DATA = {
    "train_rows": 2000,
    "eval_rows": 100,
    "tokens": 200_000,
    "trained_tokens": 90_000,
    "truncated_rows": 0,
    "longest": 300,
}
GIB = 2**30


def wavering(values: Sequence[float], amount: float, seed: int = 0) -> list[float]:
    """The values with log-normal noise."""
    source = random.Random(seed)
    return [value * math.exp(source.gauss(0, amount)) for value in values]


def curve(shape: Shape, count: int = 60, amount: float = 0.03, seed: int = 0) -> list[float]:
    return wavering([shape(i / (count - 1)) for i in range(count)], amount, seed)


def events(
    losses: Sequence[float | None],
    *,
    evals: Sequence[float] = (),
    norms: Sequence[float] | None = None,
    speeds: Sequence[float] | None = None,
    epochs: float = 3.0,
    every: int = 2,
    memory: float = 2 * GIB,
    swapped: float | None = None,
    packed: bool = True,
    total: int | None = None,
    **data: int,
) -> list[Event]:
    """A run as a worker would have told it, one loss each `every` steps, evaluations spread evenly."""
    steps = [every * (i + 1) for i in range(len(losses))]
    total = total or steps[-1]
    told: list[Event] = [
        Started(0.0, pid=1, memory_total=16 * GIB),
        Phase(0.0, "tokenised", {**DATA, **data}),
        Phase(0.0, "training", {"packed": packed}),
    ]
    due = {steps[len(steps) * (i + 1) // len(evals) - 1]: value for i, value in enumerate(evals)}
    for i, (step, loss) in enumerate(zip(steps, losses, strict=True)):
        epoch = epochs * step / total
        told.append(
            Metrics(
                float(step),
                step=step,
                total_steps=total,
                epoch=epoch,
                loss=loss,
                learning_rate=1e-4,
                grad_norm=norms[i] if norms else 0.5,
                tokens_per_second=speeds[i] if speeds else 1000.0,
                memory_bytes=int(memory),
                swapped_bytes=None if swapped is None else int(swapped),
            )
        )
        if step in due:
            told.append(Metrics(float(step), step=step, total_steps=total, epoch=epoch, eval_loss=due[step]))
            told.append(Checkpoint(float(step), step=step, path=f"checkpoint-{step}"))
    return told


def settling(share: float) -> float:
    return 1.2 + 1.5 * math.exp(-8 * share)


SPIKY = [0.5] * 30 + [9.0] + [0.5] * 29
LEAP = [*curve(settling, 60)[:30], *[4.0] * 30]

FAULTY: dict[str, tuple[list[Event], dict[str, Any]]] = {
    "not_a_number": (events([*curve(settling, 30), *[None] * 30]), {}),
    "no_gradient": (events(curve(lambda _: 2.0), norms=[0.0] * 60), {}),
    "diverging": (events(curve(lambda x: 2.5 - 4 * x if x < 0.3 else 1.3 + 5 * (x - 0.3))), {}),
    "overfitting": (events(curve(lambda x: 2 * (1 - 0.8 * x)), evals=[1.9, 1.6, 1.5, 1.65, 1.8, 1.95]), {}),
    "memorised": (events(curve(lambda x: 3 * math.exp(-8 * x) + 0.01), epochs=20, train_rows=40), {}),
    "flat": (events(curve(lambda _: 2.0, amount=0.01)), {"learning_rate": 1e-8}),
    "unfinished": (events(curve(lambda x: 3 - 1.5 * x), evals=[2.5, 2.1, 1.7]), {}),
    "spikes": (events(curve(settling), norms=[*SPIKY[:40], 8.0, 0.5, 8.0, *SPIKY[43:]]), {}),
    "few_steps": (events(curve(settling, 3)), {}),
    "masked": (events(curve(settling), trained_tokens=1000), {}),
    "truncated": (events(curve(settling), truncated_rows=900), {}),
    "swapping": (events(curve(settling), memory=15.8 * GIB, swapped=3 * GIB), {}),
    "memory": (events(curve(settling), memory=15.8 * GIB), {}),
    "slower": (events(curve(settling), speeds=[1000.0] * 25 + [300.0] * 35), {}),
    "padding": (events(curve(settling), packed=False, tokens=60_000), {}),
}
"""Rule → a run with that fault, and what its config has of its own."""


def staircase(share: float) -> float:
    """Rows seen again are known better: the training loss falls at each epoch."""
    return (2.0, 1.5, 1.2)[min(int(3 * share), 2)]


HEALTHY: dict[str, Shape] = {
    "exponential": settling,
    "power law": lambda x: 1.0 + 1.8 * (1 + 60 * x) ** -0.7,
    "after warm-up": lambda x: 2.6 if x < 0.06 else 1.4 + 1.2 * math.exp(-9 * (x - 0.06)),
    "staircase": staircase,
    "plateau then fall": lambda x: 1.3 + 1.2 / (1 + math.exp(20 * (x - 0.3))),
    "gentle": lambda x: 1.7 + 0.35 * math.exp(-6 * x),
    "low": lambda x: 0.35 + 0.9 * math.exp(-7 * x),
    "slightly rising at the end": lambda x: 1.2 + 1.5 * math.exp(-9 * x) + 0.05 * x,
}


def healthy(shape: Shape, seed: int) -> list[Event]:
    """A run of that shape whose length, noise, batches and evaluations are drawn by `seed`."""
    source = random.Random(seed)
    count = source.choice([12, 25, 60, 150, 400])
    losses = curve(shape, count, source.uniform(0.005, 0.2), seed)
    evals: list[float] = []
    if source.random() < 0.6:
        places = [(i + 1) / 5 for i in range(5)]
        falling = [1.5 + 0.6 * math.exp(-7 * x) + source.uniform(0, 0.03) * x for x in places]
        evals = wavering(falling, 0.004, seed)
    norms = wavering([2.0 * math.exp(-i) + 0.4 for i in range(count)], source.uniform(0.05, 0.4), seed + 1)
    speeds = wavering([300.0, *[1000.0] * (count - 1)], 0.15, seed + 2)
    return events(losses, evals=evals, norms=norms, speeds=speeds, every=source.choice([3, 5, 10]))
