"""The bytes of one file, gone on with from wherever they broke off."""

from __future__ import annotations

from pathlib import Path

from conch.core.text import tr
from conch.models import connection
from conch.models.content import size_of
from conch.models.meter import Meter
from conch.models.retry import Retry, StoppedError
from conch.models.source import Listing, RefusedError, RemoteFile, SourceFailedError, TryAgainError

WORTHWHILE = 100_000
"""Bytes between two breaks; a line that brings fewer counts as having brought none."""
MAX_STALLS = 2
"""Of one file; then the source is given up."""


class Fetcher:
    """Brings the bytes of a listing's files, and tells `meter` of each block."""

    def __init__(self, listing: Listing, retry: Retry, meter: Meter) -> None:
        self._listing = listing
        self._retry = retry
        self._meter = meter
        self.fetched = 0
        """Bytes that came over the network."""
        self.receiving: set[str] = set()
        """Files under way."""

    def fetch(self, file: RemoteFile, part: Path) -> None:
        """Append to `part` until it has the size of `file`. Raises SourceFailedError."""
        self.receiving.add(file.path)
        try:
            self._fetch(file, part)
        finally:
            self.receiving.discard(file.path)

    def _fetch(self, file: RemoteFile, part: Path) -> None:
        part.touch()
        stalls, failures = 0, 0
        while (have := size_of(part)) < file.size:
            try:
                self._append(file, part, have)
                failure = TryAgainError(tr("models.pull.short"))
            except TryAgainError as error:
                failure = error
            stalls += failure.stalled
            failures = 0 if size_of(part) - have >= WORTHWHILE else failures + 1
            if size_of(part) == file.size:
                return
            if stalls >= MAX_STALLS or failures >= self._retry.patience.tries:
                raise self._broke(file, failure)
            self._retry.pause(failure, failures)

    def _append(self, file: RemoteFile, part: Path, have: int) -> None:
        try:
            with (
                connection.get(file.url, self._listing.headers, self._retry.patience, have) as answer,
                part.open("r+b", buffering=0) as opened,
            ):
                if answer.start not in {0, have}:
                    raise TryAgainError(tr("models.pull.short"))
                at = opened.seek(answer.start)
                opened.truncate()
                for chunk in answer.chunks:
                    if self._retry.stop.is_set():
                        raise StoppedError
                    opened.write(chunk)
                    at += len(chunk)
                    self.fetched += len(chunk)
                    self._meter.set(file, min(at, file.size))
                    if at > file.size:
                        return
        except RefusedError as error:
            if error.status == 416 and have:
                part.write_bytes(b"")
                return
            raise self._refused(file, error) from error

    def _refused(self, file: RemoteFile, error: RefusedError) -> SourceFailedError:
        where = {"source": self._listing.source, "repo": self._listing.repo}
        if error.status in {401, 403}:
            return SourceFailedError("models.gated", repo=self._listing.repo)
        if error.status in {404, 410}:
            return SourceFailedError("models.source_lacks", **where, file=file.path)
        return SourceFailedError("models.hub_error", repo=self._listing.repo, reason=error.reason)

    def _broke(self, file: RemoteFile, failure: TryAgainError) -> SourceFailedError:
        where = {"source": self._listing.source, "file": file.path}
        if failure.stalled:
            return SourceFailedError("models.stalled", **where, seconds=f"{self._retry.patience.stall:g}")
        return SourceFailedError("models.broke", **where, reason=failure.reason)
