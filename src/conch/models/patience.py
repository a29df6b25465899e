"""How patient we are with sources: usual values, or those that are settled for this machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from conch.config.settings import read_settings, settings_file
from conch.core.errors import ModelError


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds, and how often to try again."""

    probe: float = 4.0
    """For a sign of life, before anything is asked for."""
    connect: float = 10.0
    stall: float = 30.0
    """Without a single byte, until the source is given up."""
    slow: float = 300_000.0
    """Bytes a second; a source that brings fewer is left while there is another. 0: however slow it is."""
    slow_after: float = 15.0
    """How long the speed is measured before it is judged."""
    slow_left: float = 60.0
    """A source that will be done sooner is kept."""
    pause: float = 1.0
    """Before the second try; doubled for each further one."""
    tries: int = 5
    """In a row that bring next to nothing."""
    longest_wait: float = 60.0
    """A source that asks for more (`Retry-After`) is given up."""
    told_every: float = 0.2
    """Between two reports of progress."""


def settled_patience() -> Patience:
    """How long to wait for sources. Raises ModelError where the settings hold no sensible number."""
    given = read_settings().get("download") or {}
    kinds = {item.name: type(getattr(Patience(), item.name)) for item in fields(Patience)}
    try:
        chosen = {name: kinds[name](value) for name, value in given.items()}
        sensible = all(math.isfinite(value) and value >= 0 for value in chosen.values())
        if not sensible or chosen.get("tries", 1) < 1:
            raise ValueError(chosen)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ModelError(
            "models.bad_settings", file=settings_file(), reason=f"download: {given} ({', '.join(kinds)})"
        ) from error
    return Patience(**chosen)
