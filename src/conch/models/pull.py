"""A hub id → a folder on this machine: from a cache, or from the best source that serves it."""

from __future__ import annotations

from pathlib import Path

from conch.core import env, hubs
from conch.core.errors import ModelError
from conch.models import sources
from conch.models.attempts import Attempts
from conch.models.hub.huggingface import HuggingFace
from conch.models.hub.modelscope import ModelScope
from conch.models.needed import missing
from conch.models.patience import Patience, settled_patience
from conch.models.pull_events import Report
from conch.models.source import Listing, Source, SourceFailedError
from conch.models.wish import Wish


def kept(wish: Wish) -> Path | None:
    """The whole model in one of the hubs' caches, without any network."""
    folders = [cache.kept(wish.repo, wish.revision) for cache in _caches(wish)]
    return next((folder for folder in folders if folder is not None and missing(folder) is None), None)


def _caches(wish: Wish) -> tuple[Source, ...]:
    hub = HuggingFace("huggingface", hubs.HUGGINGFACE, wish.cache_dir or env.hub_cache())
    return hub, ModelScope(env.modelscope_endpoint(), env.modelscope_cache())


def pull(wish: Wish, report: Report, patience: Patience | None = None) -> Path:
    """The folder of the model, fetched if it isn't at hand. Raises ModelError."""
    if not wish.check and (found := kept(wish)) is not None:
        return found
    _refuse_offline(wish)
    patience = patience or settled_patience()
    candidates = sources.named(wish.setting(), wish.tokens, wish.cache_dir)
    return Attempts(wish, report, patience).run(candidates)


def remote(wish: Wish, report: Report, patience: Patience | None = None) -> tuple[Source, Listing]:
    """The first source that knows the model, and what it lists. Raises ModelError."""
    _refuse_offline(wish)
    patience = patience or settled_patience()
    attempts = Attempts(wish, report, patience)
    for source in attempts.order(sources.named(wish.setting(), wish.tokens, wish.cache_dir)):
        try:
            return source, attempts.listing(source)
        except SourceFailedError as error:
            attempts.give_up(source, error)
    raise attempts.verdict()


def _refuse_offline(wish: Wish) -> None:
    if not env.offline():
        return
    if kept(wish) is not None:
        raise ModelError("models.offline_check", repo=wish.repo)
    partial = [cache.kept(wish.repo, wish.revision) for cache in _caches(wish)]
    lacking = next((missing(folder) for folder in partial if folder is not None), None)
    if lacking is not None:
        raise ModelError("models.offline_partial", repo=wish.repo, file=lacking)
    raise ModelError("models.offline", repo=wish.repo)
