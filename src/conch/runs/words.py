"""What a run told, in the language of whoever reads it: its worker may have spoken another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.events import Paused, Warned
from conch.core.text import has, tr


def warning(event: Warned) -> str:
    return _anew(event.key, event.values, event.message)


def paused(event: Paused) -> tuple[str, str]:
    """What could not be written, and what to do about it."""
    hint = "training.paused.needs" if event.needed else "training.paused.fix"
    return _anew("training.paused", event.values, event.message), _anew(hint, event.values, event.hint)


def _anew(key: str | None, values: Mapping[str, Any] | None, told: str) -> str:
    """The text of `key`; as it was `told` where another version told it with other values."""
    if key is None or values is None or not has(key):
        return told
    try:
        return tr(key, **values)
    except (KeyError, ValueError):
        return told
