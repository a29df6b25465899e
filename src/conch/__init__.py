"""Conch: from a base language model to a fine-tuned, evaluated, exported and served one.

    from conch import train, load, chat, export

Nothing heavy is imported until a function is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conch._version import __version__

if TYPE_CHECKING:
    from conch.api import chat as chat
    from conch.api import export as export
    from conch.api import load as load
    from conch.api import train as train

__all__ = ["__version__", "chat", "export", "load", "train"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from conch import api

        return getattr(api, name)
    raise AttributeError(f"module 'conch' has no attribute {name!r}")
