"""The nouns of getting a model: a source, and what it lists.

A source knows one hub's ways: how to list a repository, where that hub's own client library keeps
files, and how. It moves no bytes; `transfer.py` does, the same for all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from conch.core.errors import ModelError

MAIN = "main"
"""The revision that is meant unless one is given, whatever a hub calls it."""


class SourceFailedError(ModelError):
    """This source can't serve the model now. Another one may."""


class SlowSourceError(SourceFailedError):
    """This source serves the model, at `speed` bytes a second. Another one may be quicker."""

    def __init__(self, source: str, speed: float) -> None:
        super().__init__("models.slow", source=source, speed=f"{speed / 1000:.0f}")
        self.speed = speed


@dataclass(frozen=True)
class Digest:
    """What a file's content must hash to: plain SHA-256, or SHA-1 as git names its blobs."""

    kind: Literal["sha256", "git-sha1"]
    value: str


@dataclass(frozen=True)
class RemoteFile:
    """One file of a repository. `etag` names its content in caches; `size` is in bytes."""

    path: str
    size: int
    url: str
    etag: str
    digest: Digest | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one revision. `commit` is what the revision was resolved to."""

    source: str
    repo: str
    revision: str
    commit: str
    files: tuple[RemoteFile, ...]
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """What to send with each request: they may hold a token."""

    def file(self, path: str) -> RemoteFile | None:
        return next((file for file in self.files if file.path == path), None)


@dataclass(frozen=True)
class Found:
    """A repository that a search found. What is None the hub does not tell."""

    repo: str
    parameters: int | None = None
    downloads: int | None = None
    likes: int | None = None
    gated: bool = False
    """Only for users who accepted its terms."""


class Source(Protocol):
    """A place that models come from. Its methods raise SourceFailedError."""

    @property
    def name(self) -> str: ...

    def reachable(self, timeout: float) -> float | None:
        """Seconds to its first answer; None where none came in `timeout` seconds."""
        ...

    def files(self, repo: str, revision: str, timeout: float) -> Listing:
        """What `repo` holds."""
        ...

    def search(self, words: str, count: int, timeout: float) -> list[Found]:
        """At most `count` language models with `words` in their names, the most fetched first."""
        ...

    def kept(self, repo: str, revision: str) -> Path | None:
        """The folder of `repo` in this hub's cache on this machine, whole or not."""
        ...

    def place(self, listing: Listing, file: RemoteFile) -> Path:
        """Where the bytes of `file` are kept. Bytes not yet whole are beside it, as `.incomplete`."""
        ...

    def lock(self, listing: Listing, file: RemoteFile) -> Path:
        """The lock file that whoever writes `file` holds."""
        ...

    def publish(self, listing: Listing, files: tuple[RemoteFile, ...]) -> Path:
        """Make the fetched `files` the snapshot that the hub's client library finds; returns its folder."""
        ...


def check_path(repo: str, path: str) -> str:
    """`path` if it stays inside the folder that it is put in. Raises ModelError."""
    parts = path.split("/")
    odd = "\\" in path or "\0" in path or re.match(r"[A-Za-z]:", path) is not None
    if odd or any(part in {"", ".", ".."} for part in parts):
        raise ModelError("models.unsafe_path", repo=repo, path=path)
    return path


def check_name(repo: str, name: str) -> str:
    """`name` (a commit, an etag) if it can be a file's name. Raises ModelError."""
    if re.fullmatch(r"[A-Za-z0-9][\w.-]{0,200}", name) is None:
        raise ModelError("models.unsafe_path", repo=repo, path=name)
    return name


def incomplete(place: Path) -> Path:
    return place.with_name(f"{place.name}.incomplete")


class TryAgainError(Exception):
    """Our own signal: a source failed in a way that may pass. `after` is what it asked for, in seconds."""

    def __init__(
        self, reason: str, after: float | None = None, *, stalled: bool = False, absent: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.stalled = stalled
        """No byte came for as long as we were willing to wait."""
        self.absent = absent
        """Nobody answered at all."""


class RefusedError(Exception):
    """Our own signal: a source answered a request for a file with `status`, which will not change."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
