"""The sources of models that a setting means, and which of them to try first.

`auto` asks all for a sign of life at once and tries the quickest first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from conch.core import env, hubs
from conch.core.hubs import Hub, Tokens
from conch.models.hub.huggingface import HuggingFace
from conch.models.hub.modelscope import ModelScope
from conch.models.source import Source


def _huggingface(hub: Hub, tokens: Tokens, cache: Path) -> Source:
    return HuggingFace(hub.name, hub.endpoint, cache, tokens.huggingface if hub.trusted else False)


def _modelscope(hub: Hub, tokens: Tokens, cache: Path) -> Source:
    return ModelScope(hub.endpoint, env.modelscope_cache(), tokens.modelscope)


SOURCES: dict[hubs.Kind, Callable[[Hub, Tokens, Path], Source]] = {
    "huggingface": _huggingface,
    "modelscope": _modelscope,
}
"""Kind of hub to what makes a source of one."""


def named(setting: str, tokens: Tokens, cache_dir: Path | None) -> list[Source]:
    """The sources that `setting` means, in its order."""
    cache = cache_dir or env.hub_cache()
    return [SOURCES[hub.kind](hub, tokens, cache) for hub in hubs.expand(setting)]


def probe(sources: list[Source], timeout: float) -> dict[str, float | None]:
    """Name to seconds until the first answer, None where none came; all are asked at once."""
    found: dict[str, float | None] = {source.name: None for source in sources}

    def ask(source: Source) -> None:
        found[source.name] = source.reachable(timeout)

    asked = [threading.Thread(target=ask, args=(source,), daemon=True) for source in sources]
    for thread in asked:
        thread.start()
    until = time.monotonic() + timeout
    for thread in asked:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(found)


def ranked(sources: list[Source], seconds: dict[str, float | None]) -> list[Source]:
    """Those that answered, the quickest first."""

    def key(source: Source) -> float:
        return seconds[source.name] or 0.0

    return sorted((source for source in sources if seconds[source.name] is not None), key=key)
