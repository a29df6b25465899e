"""What is asked of a hub of datasets, and how one says that another may be tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from conch.core.errors import DataError
from conch.data.dataset import HubPlace


class NotServedError(DataError):
    """This hub can't be reached now, or does not have the dataset. Another one may."""


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
