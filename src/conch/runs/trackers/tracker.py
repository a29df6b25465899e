"""The seam between our events and a tracker's library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from conch.config.trackers import TrackersConfig


@dataclass(frozen=True)
class Subject:
    """The run as a tracker is told of it. `config` holds no secrets; `folder` is for the tracker's files."""

    id: str
    name: str
    config: Mapping[str, Any]
    settings: TrackersConfig
    folder: Path
    home: Path

    @property
    def project(self) -> str:
        return self.settings.project or "conch"


def settings_of(config: Mapping[str, Any]) -> TrackersConfig:
    """The trackers' part of a flat config. Nothing, where it can't be used: the run fails of that."""
    own = {key: config[key] for key in TrackersConfig.model_fields if config.get(key) is not None}
    try:
        return TrackersConfig.model_validate(own)
    except ValidationError:
        return TrackersConfig()


class Tracker(Protocol):
    """What each adapter's `start(library, subject)` gives."""

    def log(self, values: dict[str, float], step: int) -> None:
        """Take the figures of one step."""
        ...

    def close(self, well: bool) -> None:
        """Send what is left. `well` is whether the run ended well."""
        ...
