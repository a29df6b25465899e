"""The Hugging Face hub and its mirrors, through its client library and in its own cache layout.

The client library (2.4) starts a file anew in each process; so the bytes are fetched by
`transfer.py` into `blobs/`, and linked here as the library itself links them. It then finds them.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import first_line
from conch.core.files import write_whole
from conch.core.hubs import PASSING
from conch.models.connection import answers_in, retry_after, translated
from conch.models.source import (
    Digest,
    Found,
    Listing,
    RemoteFile,
    SourceFailedError,
    TryAgainError,
    check_name,
    check_path,
)


@dataclass(frozen=True)
class HuggingFace:
    """The hub at `endpoint`. `token` False sends none; None sends the one that the user logged in with."""

    name: str
    endpoint: str
    cache: Path
    token: str | bool | None = field(default=None, repr=False)

    def reachable(self, timeout: float) -> float | None:
        return answers_in(self.endpoint, timeout)

    def files(self, repo: str, revision: str, timeout: float) -> Listing:
        env.quiet_libraries()
        from huggingface_hub import HfApi
        from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

        with translated(), _refusals(repo, revision, self.name):
            info = HfApi(endpoint=self.endpoint, token=self.token).model_info(
                repo, revision=revision, files_metadata=True, timeout=timeout
            )
            commit = check_name(repo, info.sha or revision)
            listed = tuple(self._file(repo, commit, sibling, timeout) for sibling in info.siblings or [])
        headers: dict[str, str] = build_hf_headers(token=self.token)
        return Listing(self.name, repo, revision, commit, listed, headers)

    def search(self, words: str, count: int, timeout: float) -> list[Found]:
        """Asked for here and not by the client library, which tries for most of a minute to get an answer."""
        env.quiet_libraries()
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            build_hf_headers,
            get_session,
            hf_raise_for_status,
        )

        asked: dict[str, Any] = {
            "search": words,
            "pipeline_tag": "text-generation",
            "filter": "safetensors",
            "sort": "downloads",
            "limit": count,
            "expand": ["downloads", "gated", "likes", "safetensors"],
        }
        with translated(), _refusals(words, "", self.name):
            headers = build_hf_headers(token=self.token)
            answer = get_session().get(
                f"{self.endpoint}/api/models", params=asked, headers=headers, timeout=timeout
            )
            hf_raise_for_status(answer)
            return [_found(entry) for entry in answer.json()[:count]]

    def _file(self, repo: str, commit: str, sibling: Any, timeout: float) -> RemoteFile:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        path = check_path(repo, sibling.rfilename)
        url = hf_hub_url(repo, path, revision=commit, endpoint=self.endpoint)
        etag = sibling.lfs.sha256 if sibling.lfs else sibling.blob_id
        size = sibling.lfs.size if sibling.lfs else sibling.size
        if etag is None or size is None:  # a mirror that lists names only
            facts = get_hf_file_metadata(url, token=self.token, timeout=timeout, endpoint=self.endpoint)
            etag, size = facts.etag or "", facts.size or 0
        kind = {64: "sha256", 40: "git-sha1"}.get(len(etag))
        digest = Digest(kind, etag) if kind and re.fullmatch(r"[0-9a-f]+", etag) else None  # type: ignore[arg-type]
        return RemoteFile(path, int(size), url, check_name(repo, etag), digest)

    def kept(self, repo: str, revision: str) -> Path | None:
        folder = self._folder(repo)
        named = folder / "refs" / revision
        with contextlib.suppress(OSError):
            revision = named.read_text(encoding="utf-8").strip() if named.is_file() else revision
        exact = folder / "snapshots" / revision
        if exact.is_dir():
            return exact
        short = sorted((folder / "snapshots").glob(f"{revision}*")) if _is_short(revision) else []
        return short[0] if len(short) == 1 else None

    def place(self, listing: Listing, file: RemoteFile) -> Path:
        return self._folder(listing.repo) / "blobs" / file.etag

    def lock(self, listing: Listing, file: RemoteFile) -> Path:
        return self.cache / ".locks" / self._folder(listing.repo).name / f"{file.etag}.lock"

    def publish(self, listing: Listing, files: tuple[RemoteFile, ...]) -> Path:
        snapshot = self._folder(listing.repo) / "snapshots" / listing.commit
        for file in files:
            _link(self.place(listing, file), snapshot / file.path)
        if listing.revision != listing.commit:
            write_whole(self._folder(listing.repo) / "refs" / listing.revision, listing.commit)
        return snapshot

    def _folder(self, repo: str) -> Path:
        return self.cache / f"models--{repo.replace('/', '--')}"


def _found(entry: dict[str, Any]) -> Found:
    repo = check_path(entry["id"], entry["id"])
    parameters = (entry.get("safetensors") or {}).get("total")
    return Found(repo, parameters, entry.get("downloads"), entry.get("likes"), bool(entry.get("gated")))


def _is_short(revision: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{7,39}", revision) is not None


def _link(blob: Path, link: Path) -> None:
    """A relative link as the client library makes it; a copy where links can't be made (Windows)."""
    link.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(blob, link.parent)
    if link.is_symlink() and str(link.readlink()) == target:
        return
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(target)
    except OSError:
        shutil.copyfile(blob, link)


@contextlib.contextmanager
def _refusals(repo: str, revision: str, source: str) -> Iterator[None]:
    """The client library's errors become ours."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise SourceFailedError("models.gated", repo=repo) from error
    except RevisionNotFoundError as error:
        raise SourceFailedError("models.no_revision", repo=repo, revision=revision) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise SourceFailedError("models.no_repo", repo=repo) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in PASSING:
            raise TryAgainError(f"HTTP {status}", retry_after(error.response.headers)) from error
        if status in {401, 403}:
            raise SourceFailedError(
                "models.refused_token", source=source, repo=repo, status=status
            ) from error
        raise SourceFailedError("models.hub_error", repo=repo, reason=first_line(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SourceFailedError("models.not_a_hub", source=source, reason=first_line(error)) from error
