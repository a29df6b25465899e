"""Room on the disk that a run keeps for its own news, to be given up piece by piece once the disk is full.

    RUN/reserve/0, 1, …     pieces that hold nothing; what they take is free the moment one is removed

So the event that tells of the full disk can be written onto that disk, and so can the end.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from conch.core import disk

PIECES = 4
PIECE_BYTES = 16384


@dataclass(frozen=True)
class Reserve:
    folder: Path

    @staticmethod
    def of(run_folder: Path) -> Reserve:
        return Reserve(run_folder / "reserve")

    def fill(self) -> None:
        """Lay in what is missing, as far as there is room."""
        try:
            self.folder.mkdir(exist_ok=True)
            for number in range(PIECES):
                _lay(self.folder / str(number))
        except OSError:  # it is for emergencies, and this may be one
            return

    def give_up_one(self) -> bool:
        """Set a piece free; False where there is none."""
        for number in reversed(range(PIECES)):
            try:
                (self.folder / str(number)).unlink()
            except OSError:
                continue
            return True
        return False

    def is_touched(self) -> bool:
        """Whether pieces had to be given up."""
        return self.folder.is_dir() and len(list(self.folder.iterdir())) < PIECES

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _lay(piece: Path) -> None:
    """Random bytes, flushed: a disk that compresses, or puts off finding the room, must not deceive us."""
    if piece.exists():
        return
    room = disk.free_bytes(piece.parent)
    if room is not None and room < 2 * PIECES * PIECE_BYTES:
        return
    try:
        with piece.open("xb") as file:
            file.write(os.urandom(PIECE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        piece.unlink(missing_ok=True)
        raise
