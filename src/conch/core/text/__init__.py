"""What the user reads, in English and Chinese.

One file per subject, each a table `TEXTS` of key to `Text`. A key's part before the first dot
names its file: `tr("data.not_json", file=...)` reads `conch.core.text.data`, so that a command
loads only the subjects it speaks of. An error's remedy stands under its key + `.fix`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from conch.core import env
from conch.core.text.entry import Text

__all__ = ["Text", "has", "language", "set_language", "speaking", "tr"]

_chosen: str | None = None
_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)


def language() -> str:
    """The language in use: `en` or `zh`."""
    return _spoken.get() or _chosen or env.language()


def set_language(name: str | None) -> None:
    """Speak `en` or `zh` from now on; None goes back to what the environment says."""
    global _chosen
    _chosen = name


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Speak `en` or `zh` inside the block, in this thread or task only: one server has readers of both."""
    before = _spoken.set(name)
    try:
        yield
    finally:
        _spoken.reset(before)


def table(subject: str) -> dict[str, Text]:
    """All texts of one subject, such as `data`."""
    texts: dict[str, Text] = import_module(f"conch.core.text.{subject}").TEXTS
    return texts


def has(key: str) -> bool:
    return key in table(key.partition(".")[0])


def tr(key: str, /, **values: Any) -> str:
    """The text of `key` in the language in use, with `values` filled in."""
    entry = table(key.partition(".")[0])[key]
    text = entry.zh if language() == "zh" else entry.en
    return text.format(**values) if values else text
