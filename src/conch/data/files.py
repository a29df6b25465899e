"""A file of rows as a stream of bytes: on disk, gzipped, or a member of a zip archive.

Nothing is ever unpacked to a place that an archive names, and what unpacks to far more than
its size promises is refused.
"""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from conch.core.errors import ConchError, DataError, first_line

MIB = 2**20
PLENTY = 256 * MIB
"""What a file may unpack to, however small it is."""
RATIO = 200
"""How many times its size a larger file may unpack to. Text packs ten times, repetitive JSON a hundred."""
IN_MEMORY = 64 * MIB


@dataclass(frozen=True)
class DataFile:
    """One file of rows. `path` is the file on disk that it is, or that it is packed in."""

    path: Path
    member: str | None = None
    gzipped: bool = False

    @property
    def shown(self) -> str:
        """The file as a person is told of it: a path, or `archive!member`."""
        return str(self.path) if self.member is None else f"{self.path}!{self.member}"

    @property
    def inner_name(self) -> str:
        """The name of what is inside all wrapping."""
        name = self.path.name if self.member is None else self.member.rpartition("/")[2]
        return name[: -len(Path(name).suffix)] if self.gzipped else name

    @property
    def suffix(self) -> str:
        return Path(self.inner_name).suffix.lower()

    @property
    def packed(self) -> bool:
        return self.gzipped or self.member is not None

    def open(self) -> BinaryIO:
        """The bytes. Raises DataError where they can't be had."""
        try:
            stream: IO[bytes] = self.path.open("rb") if self.member is None else self._open_member()
        except ConchError:
            raise
        except OSError as error:
            raise DataError("data.unreadable", file=self.shown, reason=error.strerror or error) from error
        except Exception as error:  # zipfile raises its own, and RuntimeError for a password
            raise damaged(self.shown, error) from error
        if self.gzipped:
            size = self.path.stat().st_size
            return io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=stream), stream, self.shown, size))
        return cast(BinaryIO, stream)

    def open_seekable(self) -> BinaryIO:
        """As `open`, for readers that begin at the end of a file."""
        stream = self.open()
        if not self.packed:
            return stream
        with stream:
            copy = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
            while chunk := stream.read(MIB):
                copy.write(chunk)
            copy.seek(0)
            return cast(BinaryIO, copy)

    def _open_member(self) -> IO[bytes]:
        assert self.member is not None
        with zipfile.ZipFile(self.path) as archive:  # the member keeps the file open
            info = archive.getinfo(self.member)
            if info.file_size > bound_of(info.compress_size):
                raise DataError("data.bomb", file=self.shown)
            return archive.open(info)


def bound_of(packed_size: int) -> int:
    """How many bytes may come out of `packed_size` bytes."""
    return max(PLENTY, RATIO * packed_size)


def damaged(file: object, error: Exception) -> DataError:
    """A file whose inside can't be read, with what its library said."""
    return DataError("data.damaged", file=file, reason=first_line(error).rstrip("."))


class _Bounded(io.RawIOBase):
    """A stream that unpacks, and refuses to give more than its packed size allows."""

    def __init__(self, stream: gzip.GzipFile, below: IO[bytes], shown: str, packed_size: int) -> None:
        self._stream = stream
        self._below = below
        self._shown = shown
        self._left = bound_of(packed_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise DataError("data.bomb", file=self._shown)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        self._below.close()
        super().close()
