"""Models of the hubs by words of their names, from the first source that answers."""

from __future__ import annotations

from dataclasses import dataclass

from conch.config import settings
from conch.core import env
from conch.core.errors import ModelError
from conch.core.hubs import NO_TOKENS, Tokens
from conch.core.text import tr
from conch.models import sources
from conch.models.patience import Patience, settled_patience
from conch.models.retry import Retry
from conch.models.source import Found, Source, SourceFailedError

COUNT = 20
"""Models that are shown."""


@dataclass(frozen=True)
class Results:
    """What was found, and which source said so."""

    source: str
    found: tuple[Found, ...]


def search(
    words: str, source: str | None = None, tokens: Tokens = NO_TOKENS, patience: Patience | None = None
) -> Results:
    """The most fetched language models with `words` in their names. Raises ModelError.

    `source` is as the config key `model_source`; None is what is settled for this machine.
    """
    if env.offline():
        raise ModelError("models.search_offline")
    patience = patience or settled_patience()
    setting = settings.check_source(source) if source else settings.default_source()
    candidates = sources.named(setting, tokens, None)
    reasons = []
    for each in _in_order(candidates, patience):
        try:
            return Results(each.name, tuple(_ask(each, words, patience)))
        except SourceFailedError as error:
            reasons.append(tr("models.search_reason", source=each.name, reason=error.message))
    if reasons:
        raise ModelError("models.search_failed", reasons=" ".join(reasons))
    raise ModelError("models.search_silent", sources=", ".join(each.name for each in candidates))


def _in_order(candidates: list[Source], patience: Patience) -> list[Source]:
    """Those that are there, the quickest first."""
    return sources.ranked(candidates, sources.probe(candidates, patience.probe))


def _ask(source: Source, words: str, patience: Patience) -> list[Found]:
    return Retry(source.name, patience, lambda _: None).ask(
        lambda: source.search(words, COUNT, patience.connect)
    )
