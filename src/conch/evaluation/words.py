"""Scores in words. No torch."""

from __future__ import annotations

from conch.core.text import tr


def shown(results: dict[str, float]) -> list[str]:
    """The scores in words, each on a line."""
    names = (
        "exact_match",
        "f1",
        "bleu",
        "bleu-4",
        "chrf",
        "rouge-1",
        "rouge-2",
        "rouge-l",
        "json_valid",
        "repetition",
    )
    return [
        tr("evaluation.score", name=tr(f"evaluation.{name}"), value=f"{results[f'predict_{name}']:.2f}")
        for name in names
        if f"predict_{name}" in results
    ]
