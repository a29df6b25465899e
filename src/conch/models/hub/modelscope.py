"""ModelScope, through its client library (optional: `pip install modelscope`), in its own cache layout.

The library lists what a repository holds and knows who is logged in; the bytes are fetched by
`transfer.py` into the place where the library itself keeps them.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from conch.core import disk, hubs
from conch.core.errors import first_line
from conch.models.connection import answers_in
from conch.models.source import (
    MAIN,
    Digest,
    Found,
    Listing,
    RemoteFile,
    SourceFailedError,
    TryAgainError,
    check_path,
)

MASTER = "master"


@dataclass(frozen=True)
class ModelScope:
    """The hub at `endpoint`. Without a `token`, the one that the user logged in with is sent."""

    endpoint: str
    cache: Path
    token: str | None = field(default=None, repr=False)
    name: str = "modelscope"

    def reachable(self, timeout: float) -> float | None:
        return answers_in(self.endpoint, timeout)

    def files(self, repo: str, revision: str, timeout: float) -> Listing:
        client = _client()
        revision = _named(revision)
        check_path(repo, revision)
        with _refusals(client, repo, revision):
            token = self.token or client.get_default_config().token
            api = client.HubApi(endpoint=self.endpoint, token=token)
            listed = api.list_repo_files(repo, "model", revision=revision)
        files = tuple(self._file(repo, revision, entry) for entry in listed if entry.type != "tree")
        headers = {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"} if token else {}
        return Listing(self.name, repo, revision, revision, files, headers)

    def search(self, words: str, count: int, timeout: float) -> list[Found]:
        client = _client()
        with _refusals(client, words, ""):
            token = self.token or client.get_default_config().token
            api = client.HubApi(endpoint=self.endpoint, token=token)
            listed = api.list_repos(
                "model", search=words, sort="downloads", page_size=count, task="text-generation"
            )
        return [_found(each) for each in listed.items[:count]]

    def _file(self, repo: str, revision: str, entry: Any) -> RemoteFile:
        path = check_path(repo, entry.path)
        url = (
            f"{self.endpoint}/api/v1/models/{repo}/repo"
            f"?Revision={quote_plus(revision)}&FilePath={quote_plus(path)}"
        )
        digest = Digest("sha256", entry.sha256.lower()) if entry.sha256 else None
        etag = digest.value if digest else hashlib.sha256(f"{revision}:{path}".encode()).hexdigest()
        return RemoteFile(path, int(entry.size), url, etag, digest)

    def kept(self, repo: str, revision: str) -> Path | None:
        own = self._snapshots(repo) / _named(revision)
        if own.is_dir():
            return own
        owner, _, name = repo.partition("/")
        safe = name.replace(".", "___")  # as versions before 1.38 kept it
        older = (self.cache / "models" / owner / safe, self.cache / "hub" / "models" / owner / safe)
        return next((path for path in older if revision == MAIN and path.is_dir()), None)

    def place(self, listing: Listing, file: RemoteFile) -> Path:
        return self._snapshots(listing.repo) / listing.commit / file.path

    def lock(self, listing: Listing, file: RemoteFile) -> Path:
        mark = hashlib.sha256(f"{listing.repo}:{listing.commit}:{file.path}".encode()).hexdigest()
        return self.cache / ".locks" / f"{mark}.lock"

    def publish(self, listing: Listing, files: tuple[RemoteFile, ...]) -> Path:
        return self._snapshots(listing.repo) / listing.commit

    def _snapshots(self, repo: str) -> Path:
        return self.cache / "models" / repo.replace("/", "--") / "snapshots"


def _found(info: Any) -> Found:
    return Found(check_path(info.repo_id, info.repo_id), None, info.downloads, info.likes)


def _client() -> Any:
    if not hubs.modelscope_is_installed():
        raise SourceFailedError("models.no_modelscope")
    try:
        return import_module(hubs.MODELSCOPE_CLIENT)
    except ImportError as error:  # something that it needs is missing
        raise SourceFailedError("models.no_modelscope") from error


def _named(revision: str) -> str:
    """ModelScope calls the main branch master."""
    return MASTER if revision == MAIN else revision


@contextlib.contextmanager
def _refusals(client: Any, repo: str, revision: str) -> Iterator[None]:
    """The client library's errors become ours."""
    try:
        yield
    except client.NotExistError as error:
        raise SourceFailedError("models.no_repo", repo=repo) from error
    except (client.AuthenticationError, client.PermissionDeniedError) as error:
        raise SourceFailedError("models.gated", repo=repo) from error
    except (client.NetworkError, client.ServerError, client.RateLimitError) as error:
        # the library has tried several times already
        raise SourceFailedError("models.no_answer", source="modelscope", reason=first_line(error)) from error
    except client.HubError as error:
        raise SourceFailedError("models.hub_error", repo=repo, reason=first_line(error)) from error
    except OSError as error:
        if error.errno in disk.REFUSED:  # ours, which no other try mends
            raise
        raise TryAgainError(first_line(error)) from error
