"""Datasets of ModelScope, through its client library (optional: `pip install modelscope`)."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.errors import DataError
from conch.core.hubs import MODELSCOPE_CLIENT
from conch.data.dataset import HubPlace
from conch.data.hubs.hub import NotServedError, no_refusal, reason


@dataclass(frozen=True)
class ModelScope:
    """The hub at `endpoint`. Without a `token`, the one that the user logged in with is sent."""

    endpoint: str
    token: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return "modelscope"

    def names(self, place: HubPlace) -> list[str]:
        if env.offline():
            folder = self.folder(place, [])
            return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        client = _client(place)
        with _refusals(client, place):
            listed = self._api(client).list_repo_files(place.repo, "dataset", revision=_revision(place))
        return [file.path for file in listed if file.type != "tree"]

    def folder(self, place: HubPlace, names: Sequence[str]) -> Path:
        client = _client(place)
        with _refusals(client, place):
            return Path(
                self._api(client).download_repo(
                    place.repo,
                    "dataset",
                    revision=_revision(place),
                    cache_dir=env.modelscope_cache(),
                    allow_patterns=[glob.escape(name) for name in names],
                    local_files_only=env.offline(),
                )
            )

    def _api(self, client: Any) -> Any:
        return client.HubApi(endpoint=self.endpoint, token=self.token)


def _revision(place: HubPlace) -> str | None:
    """ModelScope calls the main branch master, which it takes where none is named."""
    return None if place.revision == "main" else place.revision


def _client(place: HubPlace) -> Any:
    env.quiet_libraries()
    try:
        return import_module(MODELSCOPE_CLIENT)
    except ImportError as error:  # it, or something that it needs, is missing
        raise NotServedError("data.no_modelscope", repo=place.repo) from error


@contextmanager
def _refusals(client: Any, place: HubPlace) -> Iterator[None]:
    """The client library's errors become ours."""
    repo = place.repo
    try:
        yield
    except client.NotExistError as error:
        raise NotServedError("data.hub_no_repo", repo=repo) from error
    except (client.AuthenticationError, client.PermissionDeniedError) as error:
        raise DataError("data.hub_gated", repo=repo) from error
    except (client.NetworkError, client.ServerError, client.RateLimitError) as error:
        raise NotServedError("data.hub_unreachable", repo=repo, reason=reason(error)) from error
    except Exception as error:
        ours = no_refusal(error, place, env.modelscope_cache())
        if isinstance(error, client.HubError):
            ours = _of_library(error, place, ours)
        if ours is None:
            raise
        raise ours from error


def _of_library(error: Exception, place: HubPlace, known: DataError | None) -> DataError:
    """What the library's own error is to us; `known` is what it says of the disk."""
    key = "data.hub_offline" if env.offline() else "data.hub_error"
    return known or NotServedError(key, repo=place.repo, reason=reason(error))
