"""What is asked of the hubs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conch.config import settings
from conch.core.hubs import NO_TOKENS, Tokens
from conch.models.source import MAIN


@dataclass(frozen=True)
class Wish:
    """A repository of a hub, and how it may be obtained."""

    repo: str
    revision: str = MAIN
    source: str | None = None
    """As the config key `model_source`; None is what is settled for this machine."""
    tokens: Tokens = NO_TOKENS
    cache_dir: Path | None = None
    check: bool = False
    """Whether what is at hand is hashed and compared with the hub's list."""

    def setting(self) -> str:
        return settings.check_source(self.source) if self.source else settings.default_source()
