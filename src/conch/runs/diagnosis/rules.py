"""The table of rules, the gravest first. A new rule is a function in one of three files and a line here."""

from __future__ import annotations

from collections.abc import Callable

from conch.runs.diagnosis import learning, machine, material
from conch.runs.diagnosis.facts import Facts
from conch.runs.diagnosis.finding import Finding

Rule = Callable[[Facts], Finding | None]

RULES: dict[str, Rule] = {
    "not_a_number": learning.not_a_number,
    "no_gradient": learning.no_gradient,
    "diverging": learning.diverging,
    "overfitting": learning.overfitting,
    "memorised": learning.memorised,
    "flat": learning.flat,
    "unfinished": learning.unfinished,
    "spikes": learning.spikes,
    "few_steps": learning.few_steps,
    "masked": material.masked,
    "truncated": material.truncated,
    "swapping": machine.swapping,
    "memory": machine.memory,
    "slower": machine.slower,
    "padding": machine.padding,
}

ORDER = {"high": 0, "medium": 1, "low": 2}


def judge(facts: Facts) -> list[Finding]:
    """Everything that the facts say: the surest first, among equals the gravest."""
    found = [finding for rule in RULES.values() if (finding := rule(facts)) is not None]
    return sorted(found, key=lambda finding: ORDER[finding.confidence])
