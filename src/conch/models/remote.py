"""What a hub's model is, before it is downloaded: config.json, and the headers of its weights by ranges."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from conch.core.errors import ModelError
from conch.models import connection
from conch.models.headers import MALFORMED, ModelFiles, Tensor, header_length, parse_header
from conch.models.needed import needed
from conch.models.patience import Patience, settled_patience
from conch.models.pull import remote
from conch.models.pull_events import Report
from conch.models.retry import Retry
from conch.models.source import (
    Listing,
    RefusedError,
    RemoteFile,
    SourceFailedError,
)
from conch.models.wish import Wish

FIRST_BYTES = 65_536
"""Of a weight file, asked for at once: most headers are shorter."""
MAX_TEXT = 20_000_000


@dataclass(frozen=True)
class RemoteModel:
    """A model on a hub, read without its weights. `size` is what a download takes, in bytes."""

    source: str
    commit: str
    files: ModelFiles
    size: int
    chat_template: bool


def look(wish: Wish, report: Report) -> RemoteModel:
    """Read the model's config and headers where it is. Raises ModelError."""
    patience = settled_patience()
    source, listing = remote(wish, report, patience)
    reader = _Reader(listing, patience, report)
    chosen = needed(listing)
    config = reader.json("config.json")
    tensors: dict[str, Tensor] = {}
    for file in chosen:
        if file.path.endswith(".safetensors"):
            tensors.update(reader.header(file))
    paths = {file.path for file in chosen}
    template = "chat_template.jinja" in paths or (
        "tokenizer_config.json" in paths and bool(reader.json("tokenizer_config.json").get("chat_template"))
    )
    files = ModelFiles(Path(wish.repo), config, tensors)
    return RemoteModel(source.name, listing.commit, files, sum(file.size for file in chosen), template)


class _Reader:
    """Pieces of a listing's files."""

    def __init__(self, listing: Listing, patience: Patience, report: Report) -> None:
        self._listing = listing
        self._patience = patience
        self._retry = Retry(listing.source, patience, report)

    def json(self, path: str) -> dict[str, object]:
        file = self._listing.file(path)
        if file is None or file.size > MAX_TEXT:
            raise ModelError("models.no_config", folder=self._listing.repo)
        try:
            read = json.loads(self._bytes(file, 0, file.size))
        except MALFORMED as error:
            raise ModelError("models.bad_config", file=path, reason=error) from error
        if not isinstance(read, dict):
            raise ModelError("models.bad_config", file=path, reason=type(read).__name__)
        return read

    def header(self, file: RemoteFile) -> dict[str, Tensor]:
        begun = self._bytes(file, 0, min(FIRST_BYTES, file.size))
        try:
            end = 8 + header_length(begun)
            if len(begun) < end <= file.size:
                begun += self._bytes(file, len(begun), end)
            return parse_header(begun, file.size)
        except MALFORMED as error:
            raise ModelError("models.bad_weights", file=f"{self._listing.repo}/{file.path}") from error

    def _bytes(self, file: RemoteFile, start: int, end: int) -> bytes:
        return self._retry.ask(lambda: self._ask(file, start, end))

    def _ask(self, file: RemoteFile, start: int, end: int) -> bytes:
        got = bytearray()
        try:
            with connection.get(file.url, self._listing.headers, self._patience, start, end) as answer:
                skip = start - answer.start
                for chunk in answer.chunks:
                    got += chunk
                    if len(got) >= skip + end - start:
                        break
        except RefusedError as error:
            raise SourceFailedError(
                "models.hub_error", repo=self._listing.repo, reason=error.reason
            ) from error
        return bytes(got[skip : skip + end - start])
