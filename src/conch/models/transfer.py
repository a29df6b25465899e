"""The bytes of a listing's files onto the disk: several files at a time, resumed, verified.

What has arrived stays in `NAME.incomplete` beside a file's place, written through at once, so that
neither a broken line, Ctrl-C nor `kill -9` costs a byte. A file takes its name when its content
hashes to what the hub says.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from filelock import FileLock, Timeout

from conch.core.errors import ModelError
from conch.core.text import tr
from conch.models import connection
from conch.models.meter import Meter
from conch.models.patience import Patience
from conch.models.pull_events import Damaged, Report, Waiting
from conch.models.retry import StoppedError, pause
from conch.models.source import (
    Digest,
    Listing,
    RefusedError,
    RemoteFile,
    Source,
    SourceFailedError,
    TryAgainError,
    incomplete,
)

WORKERS = 4
"""Files at a time: one connection rarely fills a line, and many annoy a hub."""
WORTHWHILE = 100_000
"""Bytes between two breaks; a line that brings fewer counts as having brought none."""
MAX_STALLS = 2
"""Of one file; then the source is given up."""


class Transfer:
    """Fetches files of one listing. `have` maps SHA-256 to files that are on this machine already."""

    def __init__(
        self,
        source: Source,
        listing: Listing,
        patience: Patience,
        report: Report,
        have: Mapping[str, Path] | None = None,
        check: bool = False,
    ) -> None:
        self.source = source
        self.listing = listing
        self.patience = patience
        self.fetched = 0
        """Bytes that came over the network."""
        self._report = report
        self._have = have or {}
        self._check = check
        self._stop = threading.Event()
        self._errors: list[Exception] = []
        self._meter = Meter(patience.told_every, report)

    def run(self, files: tuple[RemoteFile, ...], before_weights: Callable[[], None] = lambda: None) -> None:
        """Fetch `files`; `before_weights` is called once all but the weights are there.

        Raises SourceFailedError or ModelError. Ctrl-C leaves what has arrived.
        """
        self._meter.expect({file.path: (self._at_hand(file), file.size) for file in files})
        weights = [file for file in files if file.path.endswith(".safetensors")]
        self._fetch([file for file in files if file not in weights])
        before_weights()
        self._fetch(weights)

    def _fetch(self, files: list[RemoteFile]) -> None:
        queue: SimpleQueue[RemoteFile] = SimpleQueue()
        for file in files:
            queue.put(file)
        workers = [
            threading.Thread(target=self._work, args=(queue,), daemon=True)
            for _ in range(min(WORKERS, len(files)))
        ]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive():
                    worker.join(0.1)
        except BaseException:
            self._stop.set()  # the threads end by themselves; nobody waits for a slow line
            raise
        if self._errors:
            raise self._errors[0]

    def _at_hand(self, file: RemoteFile) -> int:
        place = self.source.place(self.listing, file)
        return file.size if _size(place) == file.size else min(_size(incomplete(place)), file.size)

    def _work(self, queue: SimpleQueue[RemoteFile]) -> None:
        while not self._stop.is_set():
            try:
                file = queue.get_nowait()
            except Empty:
                return
            try:
                self._one(file)
            except StoppedError:
                return
            except Exception as error:  # handed to the thread that waits, which raises it
                self._errors.append(_translated(error, self.source.place(self.listing, file)))
                self._stop.set()

    def _one(self, file: RemoteFile) -> None:
        place = self.source.place(self.listing, file)
        place.parent.mkdir(parents=True, exist_ok=True)
        with self._locked(file):
            if self._is_whole(file, place):
                self._meter.set(file, file.size)
                return
            if not self._copied(file, place):
                self._download_verified(file, place)

    @contextlib.contextmanager
    def _locked(self, file: RemoteFile) -> Iterator[None]:
        path = self.source.lock(self.listing, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock, told = FileLock(path), False
        while True:
            if self._stop.is_set():
                raise StoppedError
            try:
                lock.acquire(timeout=0.2)
                break
            except Timeout:
                if not told:
                    self._report(Waiting(self.source.name, tr("models.pull.locked", file=file.path), 0))
                told = True
        try:
            yield
        finally:
            lock.release()

    def _is_whole(self, file: RemoteFile, place: Path) -> bool:
        """Whether `place` holds the file. What is wrong in size (or, if asked, content) is removed."""
        if not place.is_file():
            return False
        # a place that is not named by the content may hold that of an earlier revision
        unsure = self._check or place.name != file.etag
        if _size(place) == file.size and not (unsure and not matches(place, file.digest, self._stop)):
            return True
        self._report(Damaged(file.path))
        place.unlink()
        return False

    def _copied(self, file: RemoteFile, place: Path) -> bool:
        """Take the file from where another source has put the same content."""
        twin = self._have.get(file.digest.value) if file.digest else None
        if twin is None or _size(twin) != file.size or twin == place:
            return False
        try:
            os.link(twin, incomplete(place))
        except OSError:
            shutil.copyfile(twin, incomplete(place))
        incomplete(place).replace(place)
        self._meter.set(file, file.size)
        return True

    def _download_verified(self, file: RemoteFile, place: Path) -> None:
        part = incomplete(place)
        for _ in range(2):
            self._download(file, part)
            if _size(part) == file.size and matches(part, file.digest, self._stop):
                _flush(part)
                part.replace(place)
                self._meter.set(file, file.size)
                return
            part.unlink(missing_ok=True)
            self._report(Damaged(file.path))
        raise SourceFailedError(
            "models.bad_download", source=self.source.name, file=file.path, repo=self.listing.repo
        )

    def _download(self, file: RemoteFile, part: Path) -> None:
        """Append to `part` until it has the size of `file`."""
        part.touch()
        stalls, failures = 0, 0
        while (have := _size(part)) < file.size:
            try:
                self._append(file, part, have)
                failure = TryAgainError(tr("models.pull.short"))
            except TryAgainError as error:
                failure = error
            stalls += failure.stalled
            failures = 0 if _size(part) - have >= WORTHWHILE else failures + 1
            if _size(part) == file.size:
                return
            if stalls >= MAX_STALLS or failures >= self.patience.tries:
                raise self._broke(file, failure)
            self._pause(failure, failures)

    def _append(self, file: RemoteFile, part: Path, have: int) -> None:
        try:
            with (
                connection.get(file.url, self.listing.headers, self.patience, have) as answer,
                part.open("r+b", buffering=0) as opened,
            ):
                if answer.start not in {0, have}:
                    raise TryAgainError(tr("models.pull.short"))
                at = opened.seek(answer.start)
                opened.truncate()
                for chunk in answer.chunks:
                    if self._stop.is_set():
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
        where = {"source": self.source.name, "repo": self.listing.repo}
        if error.status in {401, 403}:
            return SourceFailedError("models.gated", repo=self.listing.repo)
        if error.status in {404, 410}:
            return SourceFailedError("models.source_lacks", **where, file=file.path)
        return SourceFailedError("models.hub_error", repo=self.listing.repo, reason=error.reason)

    def _broke(self, file: RemoteFile, failure: TryAgainError) -> SourceFailedError:
        where = {"source": self.source.name, "file": file.path}
        if failure.stalled:
            return SourceFailedError("models.stalled", **where, seconds=f"{self.patience.stall:g}")
        return SourceFailedError("models.broke", **where, reason=failure.reason)

    def _pause(self, failure: TryAgainError, failures: int) -> None:
        pause(self.source.name, failure, failures, self.patience, self._report, self._stop)


def matches(file: Path, digest: Digest | None, stop: threading.Event | None = None) -> bool:
    """Whether the content of `file` has `digest`; True where none is known."""
    if digest is None:
        return True
    found = hashlib.sha256()
    if digest.kind == "git-sha1":
        found = hashlib.sha1(b"blob %d\0" % _size(file), usedforsecurity=False)
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            if stop is not None and stop.is_set():
                raise StoppedError
            found.update(block)
    return found.hexdigest() == digest.value


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _flush(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def _translated(error: Exception, place: Path) -> Exception:
    """A disk's error becomes ours; ours stay."""
    if not isinstance(error, OSError):
        return error
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ModelError("models.disk_filled", folder=place.parent)
    return ModelError("models.cannot_keep", folder=place.parent, reason=error.strerror or error)
