"""Verdicts on pairs of answers, counted: who wins, how often, and may that be chance? No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conch.evaluation.chance import Interval, sign_test, wilson

Verdict = Literal["a", "b", "tie"]
SURE = 0.05
"""A difference that chance makes less often than this counts as one."""


@dataclass(frozen=True)
class Tally:
    """Verdicts counted. The win rate is b's, ties count as half a win; `p` is that of the sign test."""

    a: int
    b: int
    ties: int

    @staticmethod
    def of(verdicts: Sequence[Verdict]) -> Tally:
        return Tally(verdicts.count("a"), verdicts.count("b"), verdicts.count("tie"))

    @property
    def rows(self) -> int:
        return self.a + self.b + self.ties

    @property
    def win_rate(self) -> float:
        return (self.b + self.ties / 2) / self.rows if self.rows else 0.5

    @property
    def interval(self) -> Interval:
        return wilson(self.b + self.ties / 2, self.rows)

    @property
    def p(self) -> float:
        return sign_test(self.a, self.b)

    @property
    def outcome(self) -> str:
        """`better` or `worse` of b, where chance would hardly do that, else `same`."""
        if self.p >= SURE:
            return "same"
        return "better" if self.b > self.a else "worse"

    def to_dict(self) -> dict[str, Any]:
        own = {"a": self.a, "b": self.b, "ties": self.ties, "rows": self.rows, "win_rate": self.win_rate}
        return {**own, "interval": list(self.interval), "p": self.p, "outcome": self.outcome}
