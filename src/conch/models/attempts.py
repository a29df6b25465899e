"""One source after the other, until one has brought the model.

What one has brought is not fetched again from the next. One that is slow is left for the next, and
come back to where none is faster.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from operator import itemgetter
from pathlib import Path

from conch.core.errors import ModelError
from conch.core.text import tr
from conch.models import disk, sources
from conch.models.needed import INDEX, needed, shards_of
from conch.models.patience import Patience
from conch.models.pull_events import Chosen, GivenUp, Listed, Probed, Pulled, Report
from conch.models.retry import Retry
from conch.models.source import (
    Listing,
    RemoteFile,
    SlowSourceError,
    Source,
    SourceFailedError,
    incomplete,
)
from conch.models.transfer import Transfer
from conch.models.wish import Wish


class Attempts:
    """One source after the other."""

    def __init__(self, wish: Wish, report: Report, patience: Patience) -> None:
        self.wish = wish
        self.report = report
        self.patience = patience
        self.failures: list[tuple[str, ModelError]] = []
        self.have: dict[str, Path] = {}
        """SHA-256 to files that an earlier source has brought."""
        self._seconds: dict[str, float | None] = {}
        """What the sources were found to answer in; empty where there is only one."""

    def run(self, candidates: list[Source]) -> Path:
        """From the first source that serves the model fast enough, else from the fastest that does."""
        order, slow = self.order(candidates), list[tuple[float, Source]]()
        for source in order:
            self.report(Chosen(source.name, self._reason(source)))
            alone = source is order[-1] and not slow
            try:
                return self._from(source, replace(self.patience, slow=0.0) if alone else self.patience)
            except SlowSourceError as error:
                slow.append((error.speed, source))
                self.report(GivenUp(source.name, error.message))
            except SourceFailedError as error:
                self.give_up(source, error)
        return self._from_slow([source for _, source in sorted(slow, key=itemgetter(0), reverse=True)])

    def _from_slow(self, fastest_first: list[Source]) -> Path:
        """From sources that were left because another might have been faster."""
        for source in fastest_first:
            self.report(Chosen(source.name, tr("models.pull.back")))
            try:
                return self._from(source, replace(self.patience, slow=0.0))
            except SourceFailedError as error:
                self.give_up(source, error)
        raise self.verdict()

    def order(self, candidates: list[Source]) -> list[Source]:
        if len(candidates) == 1:
            return candidates
        self._seconds = sources.probe(candidates, self.patience.probe)
        self.report(Probed(self._seconds))
        for source in candidates:
            if self._seconds[source.name] is None:
                seconds = f"{self.patience.probe:g}"
                self.give_up(source, SourceFailedError("models.silent", source=source.name, seconds=seconds))
        return sources.ranked(candidates, self._seconds)

    def _reason(self, source: Source) -> str:
        if not self._seconds:
            return tr("models.pull.only")
        tried = [name for name, _ in self.failures if self._seconds.get(name) is not None]
        key = "models.pull.next" if tried else "models.pull.quickest"
        return tr(key, seconds=f"{self._seconds[source.name] or 0:.2f}")

    def give_up(self, source: Source, error: ModelError) -> None:
        self.failures.append((source.name, error))
        if self._seconds:
            self.report(GivenUp(source.name, error.message))

    def verdict(self) -> ModelError:
        """What to tell when every source has failed: the one reason, or all."""
        if len(self.failures) == 1:
            return self.failures[0][1]
        told = "".join(f"\n  {name}: {error.message}" for name, error in self.failures)
        return ModelError("models.all_failed", repo=self.wish.repo, reasons=told)

    def listing(self, source: Source) -> Listing:
        wish, timeout = self.wish, self.patience.connect
        retry = Retry(source.name, self.patience, self.report)
        return retry.ask(lambda: source.files(wish.repo, wish.revision, timeout))

    def _from(self, source: Source, patience: Patience) -> Path:
        began = time.monotonic()
        listing = self.listing(source)
        files = needed(listing)
        self._announce(source, listing, files)
        transfer = Transfer(source, listing, patience, self.report, self.have, self.wish.check)
        try:
            transfer.run(files, before_weights=lambda: _check_index(source, listing))
        finally:
            self._remember(source, listing, files)
        folder = source.publish(listing, files)
        size, seconds = sum(file.size for file in files), time.monotonic() - began
        self.report(Pulled(source.name, str(folder), size, transfer.fetched, seconds))
        return folder

    def _announce(self, source: Source, listing: Listing, files: tuple[RemoteFile, ...]) -> None:
        """Tell what is to come, once it is known that there is room for it."""
        at_hand = sum(_at_hand(source.place(listing, file), file) for file in files)
        size, folder = sum(file.size for file in files), source.place(listing, files[0]).parent
        disk.check_room(size - at_hand, folder)
        self.report(Listed(source.name, len(files), size, at_hand, str(folder)))

    def _remember(self, source: Source, listing: Listing, files: tuple[RemoteFile, ...]) -> None:
        for file in files:
            place = source.place(listing, file)
            if file.digest is not None and file.digest.kind == "sha256" and place.is_file():
                self.have[file.digest.value] = place


def _at_hand(place: Path, file: RemoteFile) -> int:
    for path in (place, incomplete(place)):
        with contextlib.suppress(OSError):
            return min(path.stat().st_size, file.size)
    return 0


def _check_index(source: Source, listing: Listing) -> None:
    """Every shard that the index names must be in the list."""
    index = listing.file(INDEX)
    if index is None or not source.place(listing, index).is_file():
        return
    absent = sorted(shards_of(source.place(listing, index)) - {file.path for file in listing.files})
    if absent:
        raise SourceFailedError("models.source_lacks", source=source.name, repo=listing.repo, file=absent[0])
