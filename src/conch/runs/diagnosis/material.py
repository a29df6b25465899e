"""Rules about the rows: how much of them is trained."""

from __future__ import annotations

from typing import Any

from conch.runs.diagnosis.facts import Facts
from conch.runs.diagnosis.finding import Confidence, Finding

CUT = 0.1
"""One row in ten without its end teaches the model to stop in the middle."""
SURE_CUT = 0.3
TRAINED = 0.05
"""Long prompts with short answers train about a tenth of their tokens; below 5 % something is odd."""
SURE_TRAINED = 0.02


def truncated(facts: Facts) -> Finding | None:
    rows = int(facts.data.get("train_rows") or 0) + int(facts.data.get("eval_rows") or 0)
    cut = int(facts.data.get("truncated_rows") or 0)
    if not rows or cut / rows < CUT:
        return None
    length = int(facts.number("cutoff_len", 2048))
    sure: Confidence = "high" if cut / rows >= SURE_CUT else "medium"
    evidence = {"cut": cut, "rows": rows, "share": cut / rows, "cutoff": length}
    return Finding("truncated", sure, evidence, {"cutoff_len": 2 * length})


def masked(facts: Facts) -> Finding | None:
    tokens = int(facts.data.get("tokens") or 0)
    trained = int(facts.data.get("trained_tokens") or 0)
    if not tokens or trained / tokens >= TRAINED:
        return None
    change: dict[str, Any] = {"train_on_prompt": True}
    if facts.config.get("mask_history"):
        change = {"mask_history": False}
    sure: Confidence = "high" if trained / tokens < SURE_TRAINED else "medium"
    evidence = {"trained": trained, "tokens": tokens, "share": trained / tokens, "key": next(iter(change))}
    return Finding("masked", sure, evidence, change)
