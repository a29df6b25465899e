"""A dataset as it was found: where it lies, and what is known of its rows before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conch.core.hubs import NO_TOKENS, SHORT, Kind, Tokens


@dataclass(frozen=True)
class HubPlace:
    """A dataset repository on a hub, or a part of it."""

    repo: str
    subset: str | None = None
    split: str | None = None
    folder: str | None = None
    revision: str | None = None
    hub: Kind = "huggingface"

    @property
    def shown(self) -> str:
        return f"{SHORT[self.hub]}://datasets/{self.repo}"


URL_KEYS: Mapping[str, Kind] = {f"{short}_hub_url": kind for kind, short in SHORT.items()}
"""The keys by which a description names a repository, the preferred hub first."""


def anywhere(repo: str, subset: str | None = None, split: str | None = None) -> tuple[HubPlace, ...]:
    """Where a repository lies of which only the name is known: on any hub, under the same name."""
    here = HubPlace(repo, subset, split)
    return here, replace(here, hub="modelscope")


@dataclass(frozen=True)
class Dataset:
    """Either `file` (a file or folder on this machine) or `hubs` says where it lies."""

    name: str
    file: Path | None = None
    hubs: tuple[HubPlace, ...] = ()
    """Repositories that hold the same, the preferred one first."""
    formatting: str | None = None
    """alpaca, sharegpt or openai; None: to be recognised."""
    ranking: bool = False
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """Part to column, of those that the description names."""
    tags: Mapping[str, str | None] = field(default_factory=dict)
    num_samples: int | None = None
    part: str | None = None
    """Of a local folder, the sub-folder that is meant."""
    source: str | None = None
    """Which hubs to try, as the key `dataset_source`; None is what is settled for this machine."""
    tokens: Tokens = field(default=NO_TOKENS, repr=False)
    """What hubs are sent."""

    @property
    def place(self) -> str:
        """Where it lies, as a person is told."""
        return str(self.file) if self.file else self.hubs[0].shown if self.hubs else self.name
