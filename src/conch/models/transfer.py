"""The bytes of a listing's files onto the disk: several files at a time, resumed, verified.

What has arrived stays in `NAME.incomplete` beside a file's place, written through at once, so that
neither a broken line, Ctrl-C nor `kill -9` costs a byte. A file takes its name when its content
hashes to what the hub says.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from filelock import FileLock, Timeout

from conch.core.text import tr
from conch.models.content import flush, matches, size_of, translated
from conch.models.fetching import Fetcher
from conch.models.meter import Meter
from conch.models.patience import Patience
from conch.models.pull_events import Damaged, Report, Waiting
from conch.models.retry import Retry, StoppedError
from conch.models.source import (
    Listing,
    RemoteFile,
    SlowSourceError,
    Source,
    SourceFailedError,
    incomplete,
)

WORKERS = 4
"""Files at a time: one connection rarely fills a line, and many annoy a hub."""


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
        self._report = report
        self._have = have or {}
        self._check = check
        self._patience = patience
        self._stop = threading.Event()
        self._errors: list[Exception] = []
        self._meter = Meter(patience.told_every, report)
        self._fetcher = Fetcher(listing, Retry(source.name, patience, report, self._stop), self._meter)

    @property
    def fetched(self) -> int:
        """Bytes that came over the network."""
        return self._fetcher.fetched

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
                    self._leave_if_slow(sum(each.is_alive() for each in workers))
        except BaseException:
            self._stop.set()  # the threads end by themselves; nobody waits for a slow line
            raise
        if self._errors:
            raise self._errors[0]

    def _leave_if_slow(self, workers: int) -> None:
        """Raises SlowSourceError. Time in which a worker waits for others or hashes doesn't count."""
        pace, patience = self._meter.pace(), self._patience
        if workers == len(self._fetcher.receiving):
            if pace.seconds < patience.slow_after:
                return
            if pace.speed < patience.slow and pace.seconds_left > patience.slow_left:
                raise SlowSourceError(self.source.name, pace.speed)
        self._meter.mark()

    def _at_hand(self, file: RemoteFile) -> int:
        place = self.source.place(self.listing, file)
        return file.size if size_of(place) == file.size else min(size_of(incomplete(place)), file.size)

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
                self._errors.append(translated(error, self.source.place(self.listing, file)))
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
        if size_of(place) == file.size and not (unsure and not matches(place, file.digest, self._stop)):
            return True
        self._report(Damaged(file.path))
        place.unlink()
        return False

    def _copied(self, file: RemoteFile, place: Path) -> bool:
        """Take the file from where another source has put the same content."""
        twin = self._have.get(file.digest.value) if file.digest else None
        if twin is None or size_of(twin) != file.size or twin == place:
            return False
        # not `.incomplete`: what is written on there would be written into the other source's file
        aside = place.with_name(f"{place.name}.twin")
        aside.unlink(missing_ok=True)
        try:
            os.link(twin, aside)
        except OSError:
            shutil.copyfile(twin, aside)
        aside.replace(place)
        incomplete(place).unlink(missing_ok=True)
        self._meter.set(file, file.size)
        return True

    def _download_verified(self, file: RemoteFile, place: Path) -> None:
        part = incomplete(place)
        for _ in range(2):
            self._fetcher.fetch(file, part)
            if size_of(part) == file.size and matches(part, file.digest, self._stop):
                flush(part)
                part.replace(place)
                self._meter.set(file, file.size)
                return
            part.unlink(missing_ok=True)
            self._report(Damaged(file.path))
        raise SourceFailedError(
            "models.bad_download", source=self.source.name, file=file.path, repo=self.listing.repo
        )
