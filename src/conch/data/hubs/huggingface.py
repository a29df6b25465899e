"""Datasets of the Hugging Face hub and its mirrors."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import DataError
from conch.core.hubs import PASSING
from conch.data.dataset import HubPlace
from conch.data.hubs.hub import NotServedError, no_refusal, reason

PATIENCE = 10.0
"""Seconds that are waited for an answer of the hub."""


@dataclass(frozen=True)
class HuggingFace:
    """The hub at `endpoint`. `token` False sends none; None sends the one that the user logged in with."""

    endpoint: str
    token: str | bool | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.endpoint

    def names(self, place: HubPlace) -> list[str]:
        if env.offline():
            return self._names_at_hand(place)
        env.quiet_libraries()
        from huggingface_hub import HfApi

        with _refusals(place):
            api = HfApi(endpoint=self.endpoint, token=self.token)
            info = api.dataset_info(place.repo, revision=place.revision, timeout=PATIENCE)
        return [file.rfilename for file in info.siblings or []]

    def folder(self, place: HubPlace, names: Sequence[str]) -> Path:
        env.quiet_libraries()
        from huggingface_hub import snapshot_download

        with _refusals(place):
            return Path(
                snapshot_download(
                    place.repo,
                    repo_type="dataset",
                    revision=place.revision,
                    token=self.token,
                    endpoint=self.endpoint,
                    etag_timeout=PATIENCE,
                    allow_patterns=[glob.escape(name) for name in names],
                    local_files_only=env.offline(),
                )
            )

    def _names_at_hand(self, place: HubPlace) -> list[str]:
        """The files of the repository as they were listed when it was fetched, else those that are here."""
        import huggingface_hub
        from huggingface_hub import errors

        listing: Any = getattr(huggingface_hub, "get_cached_repo_tree", None)  # newer clients keep it
        missing: Any = getattr(errors, "CachedRepoTreeNotFoundError", ())
        try:
            if listing is not None:
                found = listing(place.repo, repo_type="dataset", revision=place.revision)
                return [file.path for file in found]
        except missing:
            pass  # fetched by an older client
        folder = self.folder(place, ["README.md"])
        return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


@contextmanager
def _refusals(place: HubPlace) -> Iterator[None]:
    """The client library's errors become ours."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo = place.repo
    try:
        yield
    except LocalEntryNotFoundError as error:
        if env.offline():
            raise NotServedError("data.hub_offline", repo=repo) from error
        raise NotServedError("data.hub_unreachable", repo=repo, reason=reason(error)) from error
    except GatedRepoError as error:
        raise DataError("data.hub_gated", repo=repo) from error
    except RevisionNotFoundError as error:
        raise DataError("data.hub_no_revision", repo=repo, revision=place.revision) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise NotServedError("data.hub_no_repo", repo=repo) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        kind = NotServedError if status in PASSING or status >= 500 else DataError
        raise kind("data.hub_error", repo=repo, reason=reason(error)) from error
    except Exception as error:
        ours = _passed_on(error, place)
        if ours is None:
            raise
        raise ours from error


def _passed_on(error: Exception, place: HubPlace) -> DataError | None:
    """What an error that the client let through is to us; None where it is a mistake, of the client or ours.

    Some networks answer with a log-in page, which is no JSON. The client's part in Rust raises
    RuntimeError for whatever keeps it from the network or the disk.
    """
    known = no_refusal(error, place, env.hub_cache())
    if known is None and (isinstance(error, json.JSONDecodeError) or type(error) is RuntimeError):
        return NotServedError("data.hub_unreachable", repo=place.repo, reason=reason(error))
    return known
