"""What is asked of a hub of datasets, and how one says that another may be tried."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from conch.core import disk, network
from conch.core.errors import DataError, first_line
from conch.data.dataset import HubPlace


class NotServedError(DataError):
    """This hub can't be reached now, or does not have the dataset. Another one may."""


def reason(error: BaseException) -> str:
    return first_line(error).rstrip(".")


def no_refusal(error: Exception, place: HubPlace, cache: Path) -> DataError | None:
    """What a failure of the network, or of the disk of `cache`, is to us; None for any other error."""
    code = disk.said_by(error)
    if code not in disk.FULL and network.failure(error) is not None:
        return NotServedError("data.hub_unreachable", repo=place.repo, reason=reason(error))
    if code is not None:
        return DataError("data.hub_disk", repo=place.repo, folder=cache, reason=os.strerror(code))
    return None


class DatasetHub(Protocol):
    """A hub, through its own client library and cache. Its methods raise DataError."""

    @property
    def name(self) -> str: ...

    def names(self, place: HubPlace) -> list[str]:
        """The files of the repository; without a network, those that are known of."""
        ...

    def folder(self, place: HubPlace, names: Sequence[str]) -> Path:
        """The folder that holds the files `names`, fetched if they aren't at hand."""
        ...
