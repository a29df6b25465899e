"""Rules about the curves: does it learn, too little, too much, or not at all?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from conch.runs.diagnosis.curve import blocks, error, level, noise, part, trend
from conch.runs.diagnosis.facts import Facts
from conch.runs.diagnosis.finding import Confidence, Finding

FEW_POINTS = 8
"""Below this many logged losses a curve says nothing: any shape is chance."""
EDGE = 0.2
"""Share of a curve that stands for its beginning or its end."""
FLAT_FALL = 0.03
"""A loss that falls by less than 3 % has learned next to nothing of the data."""
SURE_FLAT_FALL = 0.05
"""To be sure, the fall and twice its uncertainty must stay below this."""
LOW_LOSS = 0.3
"""Nats per token (74 % on the right token): below it little is left to fall."""
RISE = 0.2
"""A rise of a fifth above the best stretch is more than batches of different rows make."""
SURE_RISE = 0.5
RISE_ERRORS = 5.0
"""And it must be this many standard errors."""
LATE = 0.6
"""The end of training begins here: the last 40 % of the curve."""
LATE_SHARE = 0.1
"""Of all that the loss fell, this share fell in the end: a curve that has levelled off has less than 5 %."""
LATE_FALL = 0.05
"""And the loss fell by this share of itself there."""
LATE_ERRORS = 4.0
WORSE = 0.05
"""An evaluation loss 5 % above its best has turned; below that it only wavers."""
SURE_WORSE = 0.10
RECITED = 0.1
"""Nats per token (90 % on the right token): text is not that predictable unless it was learned by heart."""
SURE_RECITED = 0.03
FEW_ROWS = 500
"""Few enough to learn by heart in a handful of epochs."""
NO_GRADIENT = 1e-8
SPIKE = 6.0
"""Times the norm of the steps around it. The norms of a healthy run stay within a factor of three."""
SURE_SPIKE = 10.0
SETTLED = 5
"""The first norms are large in every run."""
AROUND = 10
SHOWN_ROWS = 16
"""More of a file's rows make no sentence."""
FEW_STEPS = 30
"""Adam's averages of squared gradients need some tens of steps before its step sizes mean anything."""
VERY_FEW_STEPS = 10
WANTED_STEPS = 60


def _times(value: float, factor: float) -> float:
    """A rounder number near `value * factor`."""
    return float(f"{value * factor:.1e}")


def not_a_number(facts: Facts) -> Finding | None:
    steps = facts.nan_steps()
    if not steps:
        return None
    rate = facts.number("learning_rate", 5e-5)
    evidence = {"step": steps[0], "learning_rate": rate}
    return Finding("not_a_number", "high", evidence, {"learning_rate": _times(rate, 0.1)})


def diverging(facts: Facts) -> Finding | None:
    losses = facts.values("loss")
    if len(losses) < FEW_POINTS or facts.nan_steps():
        return None
    best, end = min(blocks(losses)[:-1]), level(losses, 1 - EDGE, 1)
    rise = end - best
    if rise < max(RISE * best, RISE_ERRORS * error(losses, 1 - EDGE, 1)):
        return None
    above_start = end > level(losses, 0, EDGE) * (1 - FLAT_FALL)
    sure: Confidence = "high" if rise > SURE_RISE * best and above_start else "medium"
    rate = facts.number("learning_rate", 5e-5)
    evidence = {"best": best, "end": end, "learning_rate": rate}
    return Finding("diverging", sure, evidence, {"learning_rate": _times(rate, 0.3)})


def flat(facts: Facts) -> Finding | None:
    losses = facts.values("loss")
    if len(losses) < FEW_POINTS or max(facts.values("grad_norm"), default=1.0) < NO_GRADIENT:
        return None
    start, end = level(losses, 0, EDGE), level(losses, 1 - EDGE, 1)
    fall = (start - end) / start if start else 0.0
    if end < LOW_LOSS or not abs(fall) < FLAT_FALL or _learns(facts):
        return None
    unsure = 2 * math.hypot(error(losses, 0, EDGE), error(losses, 1 - EDGE, 1)) / start
    sure: Confidence = "high" if abs(fall) + unsure < SURE_FLAT_FALL else "low"
    rate = facts.number("learning_rate", 5e-5)
    evidence = {"start": start, "end": end, "learning_rate": rate}
    return Finding("flat", sure, evidence, {"learning_rate": _times(rate, 5)})


def _learns(facts: Facts) -> bool:
    """Whether the evaluation loss fell, which the noise of batches can't hide."""
    held_out = facts.values("eval_loss")
    return len(held_out) > 1 and held_out[-1] < held_out[0] * (1 - FLAT_FALL)


def unfinished(facts: Facts) -> Finding | None:
    losses = facts.values("loss")
    if len(losses) < FEW_POINTS or not facts.completed or facts.nan_steps():
        return None
    late = part(losses, LATE, 1)
    change, errors = trend(late)
    end, whole = level(losses, 1 - EDGE, 1), level(losses, 0, EDGE) - level(losses, 1 - EDGE, 1)
    falls = -change > max(LATE_SHARE * whole, LATE_FALL * end) and errors > LATE_ERRORS
    if not falls or whole <= 0 or end < LOW_LOSS:
        return None
    held_out = facts.values("eval_loss")
    if len(held_out) > 1 and held_out[-1] > held_out[-2] * (1 - FLAT_FALL / 2):
        return None  # rows that were not trained on gain nothing any more
    sure: Confidence = "high" if len(held_out) > 1 and -change > 2 * LATE_SHARE * whole else "medium"
    return Finding("unfinished", sure, {"before": late[0], "end": end}, _longer(facts, 2))


def _longer(facts: Facts, factor: float) -> dict[str, Any]:
    steps = int(facts.number("max_steps", -1))
    if steps > 0:
        return {"max_steps": math.ceil(steps * factor)}
    return {"num_train_epochs": math.ceil(2 * facts.number("num_train_epochs", 3) * factor) / 2}


def overfitting(facts: Facts) -> Finding | None:
    held_out = facts.points("eval_loss")
    if len(held_out) < 3:
        return None
    step, best = min(held_out, key=lambda point: point[1])
    after = [value for at, value in held_out if at > step]
    if not after or best <= 0 or min(after[-2:]) < best * (1 + WORSE):
        return None
    losses = [value for at, value in facts.points("loss") if at >= step]
    change, _ = trend(losses)
    if change > 0 and len(losses) > 2:
        return None  # both rise: that is divergence
    worse = after[-1] / best - 1
    sure: Confidence = "high" if worse > SURE_WORSE and len(after) > 1 else "medium"
    kept = [at for at in facts.checkpoints if at <= step]
    checkpoint = f"checkpoint-{kept[-1]}" if kept else "-"
    evidence = {"step": step, "best": best, "end": after[-1], "checkpoint": checkpoint}
    return Finding("overfitting", sure, evidence, _until(facts, step))


def memorised(facts: Facts) -> Finding | None:
    losses, rows = facts.points("loss"), int(facts.data.get("train_rows") or 0)
    if len(losses) < FEW_POINTS or not 0 < rows <= FEW_ROWS:
        return None
    end = level([value for _, value in losses], 1 - EDGE, 1)
    if end > RECITED or (facts.epoch_at(facts.step) or 0) < 2:
        return None
    sure: Confidence = "high" if end < SURE_RECITED else "medium"
    step = next((at for at, value in losses if value < LOW_LOSS), facts.step)
    return Finding("memorised", sure, {"end": end, "rows": rows, "step": step}, _until(facts, step))


def _until(facts: Facts, step: int) -> dict[str, Any]:
    """Training that ends about there: at the next half epoch, or at that step where steps were asked for."""
    epoch = facts.epoch_at(step)
    if facts.number("max_steps", -1) > 0 or not epoch:
        return {"max_steps": max(step, 1)}
    return {"num_train_epochs": max(math.ceil(2 * epoch - 0.1) / 2, 0.5)}


def spikes(facts: Facts) -> Finding | None:
    norms = facts.points("grad_norm")
    values = [value for _, value in norms]
    found = [
        (norms[i], usual)
        for i in range(SETTLED, len(norms))
        if (usual := _around(values, i)) > 0 and norms[i][1] > SPIKE * usual
    ]
    if not found:
        return None
    (step, norm), usual = max(found, key=lambda item: item[0][1] / item[1])
    sure: Confidence = "medium"
    if norm > SURE_SPIKE * usual and (len(found) > 2 or _jumps(facts, step)):
        sure = "high"
    bound = facts.number("max_grad_norm", 1.0)
    new = min(_times(usual, 1), _times(bound, 0.5)) if bound > 0 else 1.0
    rows = _listed(facts.rows_at(step))
    evidence = {"step": step, "norm": norm, "usual": usual, "count": len(found), "rows": rows}
    return Finding("spikes", sure, evidence, {"max_grad_norm": new})


def _listed(rows: Mapping[str, Sequence[int]]) -> str:
    """`file: 3, 17`, the first ones of each; `-` where none are known."""
    parts = []
    for file, numbers in rows.items():
        more = ", …" if len(numbers) > SHOWN_ROWS else ""
        parts.append(f"{PurePath(file).name}: {', '.join(map(str, numbers[:SHOWN_ROWS]))}{more}")
    return "; ".join(parts) or "-"


def _around(values: list[float], place: int) -> float:
    """The median of the values before and after, the first ones left out."""
    first = max(min(SETTLED, place), place - AROUND)
    near = sorted([*values[first:place], *values[place + 1 : place + 1 + AROUND]])
    return near[len(near) // 2] if near else 0.0


def _jumps(facts: Facts, step: int) -> bool:
    """Whether the loss was higher after `step` than before, by more than its noise."""
    losses = facts.points("loss")
    before = [value for at, value in losses if at < step][-5:]
    after = [value for at, value in losses if at > step][:5]
    if len(before) < 3 or len(after) < 3:
        return False
    return level(after, 0, 1) - level(before, 0, 1) > 3 * noise([value for _, value in losses])


def no_gradient(facts: Facts) -> Finding | None:
    norms = facts.values("grad_norm")
    if len(norms) < 3 or max(norms) > NO_GRADIENT:
        return None
    change: dict[str, Any] = {"lora_target": "all"}
    if facts.config.get("finetuning_type") == "freeze":
        change = {"freeze_trainable_layers": 2}
    elif facts.config.get("finetuning_type") == "full":
        change = {"finetuning_type": "lora"}
    return Finding("no_gradient", "high", {"steps": len(norms)}, change)


def few_steps(facts: Facts) -> Finding | None:
    if not facts.completed or facts.step >= FEW_STEPS:
        return None
    sure: Confidence = "high" if facts.step < VERY_FEW_STEPS else "medium"
    return Finding("few_steps", sure, {"steps": facts.step}, _more_steps(facts))


def _more_steps(facts: Facts) -> dict[str, Any]:
    """Smaller steps from the same rows where the batch allows it, else more epochs."""
    factor = WANTED_STEPS / max(facts.step, 1)
    if facts.number("max_steps", -1) > 0:
        return _longer(facts, factor)
    for key in ("gradient_accumulation_steps", "per_device_train_batch_size"):
        count = int(facts.number(key, 1))
        if count >= factor:
            return {key: max(1, int(count / factor))}
    return _longer(facts, factor)
