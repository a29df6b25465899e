"""Something that the user should know and that stops nothing, told by whoever finds it out.

Layers below hand notices up; a training job writes them into its event log, a command prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conch.core.text import tr


@dataclass(frozen=True)
class Notice:
    """A text of the catalogue with its values."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return tr(self.key, **self.values)


Hear = Callable[[Notice], None]
"""Whoever is told of notices."""


def unheard(_: Notice) -> None:
    """For those who have nobody to tell."""
