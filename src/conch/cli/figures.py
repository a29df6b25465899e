"""Figures of a run as a person reads them. `--json` holds them as they are."""

from __future__ import annotations

from typing import Any

from conch.cli.output import duration, size


def figure(metric: str, value: Any) -> str:
    """`value` of one of the measures of `Metrics`, or of a comparison."""
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {figure('loss', part)}" for name, part in value.items())
    if metric.endswith("_bytes"):
        return size(value)
    if metric.endswith("_seconds"):
        return duration(value)
    if metric == "learning_rate":
        return f"{value:.3g}"
    if metric in {"epoch", "grad_norm"}:
        return f"{value:.2f}"
    return f"{value:.4f}" if "loss" in metric else f"{value:,.0f}"
