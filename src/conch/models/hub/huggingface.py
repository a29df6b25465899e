"""Models of the Hugging Face hub, through its own client library and into its own cache."""

from __future__ import annotations

import re
from pathlib import Path

from conch.core import env
from conch.core.errors import ModelError

NEEDED = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt", "*.tiktoken"]
"""What a model needs to load. Pickled weights and duplicates in other formats stay where they are."""


def looks_like_id(reference: str) -> bool:
    """Whether this could be `organisation/name` on the hub."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", reference) is not None


def fetch(repo: str, revision: str, cache_dir: Path | None, token: str | None) -> Path:
    """The folder of `repo` at `revision`, from the cache or else from the hub. Raises ModelError."""
    env.quiet_libraries()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    def download(local_only: bool) -> Path:
        return Path(
            snapshot_download(
                repo,
                revision=revision,
                cache_dir=cache_dir,
                token=token,
                allow_patterns=NEEDED,
                local_files_only=local_only,
            )
        )

    try:
        cached = download(local_only=True)
        if any(cached.glob("*.safetensors")) and (cached / "config.json").is_file():
            return cached
    except LocalEntryNotFoundError:
        pass
    if env.offline():
        raise ModelError("models.offline", repo=repo)
    try:
        return download(local_only=False)
    except GatedRepoError as error:
        raise ModelError("models.gated", repo=repo) from error
    except RevisionNotFoundError as error:
        raise ModelError("models.no_revision", repo=repo, revision=revision) from error
    except RepositoryNotFoundError as error:
        raise ModelError("models.no_repo", repo=repo) from error
    except HfHubHTTPError as error:
        raise ModelError("models.hub_error", repo=repo, reason=_first_line(error)) from error
    except Exception as error:  # the client library lets its HTTP library's own errors through
        raise ModelError("models.hub_unreachable", repo=repo, reason=_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
