"""What a proof looked at, one check at a time, and how it is told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from conch.core.text import tr


@dataclass(frozen=True)
class Check:
    """`found` is what was measured, `allowed` how much (or how little) of it holds."""

    name: str
    found: float
    allowed: float
    holds: bool

    @property
    def sentence(self) -> str:
        return tr(f"export.check.{self.name}", found=_short(self.found), allowed=_short(self.allowed))

    def to_dict(self) -> dict[str, Any]:
        found = self.found if math.isfinite(self.found) else None  # JSON knows no infinity
        return {"name": self.name, "found": found, "allowed": self.allowed, "holds": self.holds}


def at_most(name: str, found: float, allowed: float) -> Check:
    return Check(name, found, allowed, found <= allowed)


def at_least(name: str, found: float, allowed: float) -> Check:
    return Check(name, found, allowed, found >= allowed)


def _short(value: float) -> str:
    if not math.isfinite(value):
        return "∞"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.2g}"


@dataclass(frozen=True)
class Share:
    """How much of what the adapter does is in the export: 1 is all of it, 0 is the base."""

    share: float
    doubt: float
    """How far rounding alone may move it (three standard errors)."""

    MOST_DOUBT = 0.5

    def check(self, allowed: float = 0.1) -> Check | None:
        """None where the adapter changes too little for rounding to let it show."""
        if self.doubt > self.MOST_DOUBT:
            return None
        distance = abs(1 - self.share)
        return Check("adapter_share", self.share, allowed, distance <= allowed + self.doubt)


def share_of(source: Any, base: Any, export: Any, positions: int) -> Share | None:
    """Project what the export is off by on what the adapter does. Arrays of numbers of the same meaning.

    None where the adapter does nothing at all.
    """
    import numpy as np

    effect, off = (base - source).ravel().astype(np.float64), (export - source).ravel().astype(np.float64)
    size = float(effect @ effect)
    if size == 0.0 or not np.isfinite(size) or not np.isfinite(off).all():
        return None
    towards_base = float(off @ effect) / size
    rest = off - towards_base * effect
    error = math.sqrt(float(rest @ rest) / size / max(positions, 1))
    return Share(1.0 - towards_base, 3 * error)
