"""Rules about the machine: speed, memory, and work on padding."""

from __future__ import annotations

from typing import Any

from conch.runs.diagnosis.curve import level
from conch.runs.diagnosis.facts import Facts
from conch.runs.diagnosis.finding import Confidence, Finding

FEW_SPEEDS = 9
SLOWER = 0.6
"""Batches of other lengths change the speed by some tenths; falling below 60 % for good has a cause."""
SURE_SLOWER = 0.4
FULL = 0.9
"""Above 90 % of the memory for one process, the system begins to swap."""
SURE_FULL = 0.97
SWAPPED, SWAPPED_SHARE = 100e6, 0.02
"""Systems move a little aside that nobody uses; this much is missed."""
SURE_SWAPPED_SHARE = 0.1
WASTE = 0.5
"""Half of the work or more is done on padding."""
SURE_WASTE = 0.75


def slower(facts: Facts) -> Finding | None:
    speeds = facts.values("tokens_per_second")[1:]  # the first step warms up
    if len(speeds) < FEW_SPEEDS:
        return None
    before, after = level(speeds, 0, 1 / 3), level(speeds, 2 / 3, 1)
    if after >= SLOWER * before:
        return None
    sure: Confidence = "high" if after < SURE_SLOWER * before else "medium"
    return Finding("slower", sure, {"before": before, "after": after}, {})


def memory(facts: Facts) -> Finding | None:
    peak = max(facts.values("memory_bytes"), default=0.0)
    if not facts.machine_bytes or peak < FULL * facts.machine_bytes or swapping(facts):
        return None
    share = peak / facts.machine_bytes
    sure: Confidence = "high" if share > SURE_FULL or slower(facts) else "medium"
    return Finding("memory", sure, {"peak": peak / 1e9, "share": share}, _less_at_once(facts, 2))


def swapping(facts: Facts) -> Finding | None:
    swapped, peak = (max(facts.values(name), default=0.0) for name in ("swapped_bytes", "memory_bytes"))
    if swapped < SWAPPED or swapped < SWAPPED_SHARE * peak:
        return None
    sure: Confidence = "high" if swapped > SURE_SWAPPED_SHARE * peak or slower(facts) else "medium"
    return Finding("swapping", sure, {"swapped": swapped / 1e9, "peak": peak / 1e9}, _less_at_once(facts, 2))


def padding(facts: Facts) -> Finding | None:
    rows, longest = int(facts.data.get("train_rows") or 0), int(facts.data.get("longest") or 0)
    batch = int(facts.number("per_device_train_batch_size", 8))
    if facts.packed is not False or not rows or not longest or batch < 2:
        return None
    waste = 1 - int(facts.data.get("tokens") or 0) / rows / longest
    if waste < WASTE:
        return None
    sure: Confidence = "medium" if waste > SURE_WASTE else "low"
    return Finding("padding", sure, {"share": waste, "batch": batch}, _less_at_once(facts, batch))


def _less_at_once(facts: Facts, factor: int) -> dict[str, Any]:
    """Fewer rows at once for the same rows a step; where it is one row already, shorter rows."""
    batch = int(facts.number("per_device_train_batch_size", 8))
    gathered = int(facts.number("gradient_accumulation_steps", 1))
    if batch < 2:
        return {"cutoff_len": max(1, int(facts.number("cutoff_len", 2048)) // 2)}
    smaller = max(1, batch // factor)
    return {
        "per_device_train_batch_size": smaller,
        "gradient_accumulation_steps": -(-batch * gathered // smaller),
    }
