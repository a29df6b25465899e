"""The table of sources, and which of them to try first.

`auto` asks all for a sign of life at once and tries the quickest first. HF_ENDPOINT, where set,
is the user's word on the matter: `auto` then goes nowhere else. A token for the Hugging Face hub
goes to that hub, and to a mirror only if the user named the mirror.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conch.core import env, hubs
from conch.models.hub import modelscope
from conch.models.hub.huggingface import HuggingFace
from conch.models.hub.modelscope import ModelScope
from conch.models.source import Source, Tokens


@dataclass(frozen=True)
class Wanted:
    """What a source is made for. `named` is whether the user named it."""

    tokens: Tokens
    cache: Path
    named: bool


def _huggingface(wanted: Wanted) -> Source:
    return HuggingFace("huggingface", hubs.HUGGINGFACE, wanted.cache, wanted.tokens.huggingface)


def _hf_mirror(wanted: Wanted) -> Source:
    token = wanted.tokens.huggingface if wanted.named else False
    return HuggingFace("hf-mirror", hubs.HF_MIRROR, wanted.cache, token)


def _modelscope(wanted: Wanted) -> Source:
    return ModelScope(env.modelscope_endpoint(), env.modelscope_cache(), wanted.tokens.modelscope)


SOURCES: dict[str, Callable[[Wanted], Source]] = {
    "huggingface": _huggingface,
    "hf-mirror": _hf_mirror,
    "modelscope": _modelscope,
}
"""Name to what makes the source. A new source is a file under `hub/` and one line here."""


def named(setting: str, tokens: Tokens, cache_dir: Path | None) -> list[Source]:
    """The sources that `setting` means, in its order: `auto`, names and URLs, with commas between."""
    cache = cache_dir or env.hub_cache()
    found: list[Source] = []
    for part in (part.strip() for part in setting.split(",")):
        if part == "auto":
            found += _auto(tokens, cache)
        elif part in SOURCES:
            found.append(SOURCES[part](Wanted(tokens, cache, named=True)))
        else:
            found.append(HuggingFace(part.rstrip("/"), part.rstrip("/"), cache, tokens.huggingface))
    return found


def _auto(tokens: Tokens, cache: Path) -> list[Source]:
    endpoint = env.hub_endpoint()
    if endpoint is not None:
        return [HuggingFace(endpoint, endpoint, cache, tokens.huggingface)]
    names = [name for name in SOURCES if name != "modelscope" or modelscope.is_installed()]
    return [SOURCES[name](Wanted(tokens, cache, named=False)) for name in names]


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
