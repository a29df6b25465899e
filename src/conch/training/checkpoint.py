"""Checkpoints that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

from conch.core.errors import TrainingError
from conch.models.headers import read_header
from conch.runs.checkpoints import numbered

STATE = "trainer_state.json"


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint folder holds a state and weights that are not cut short."""
    weights = list(folder.glob("*.safetensors"))
    if not weights or not (folder / STATE).is_file():
        return False
    try:
        return all(read_header(file) for file in weights)
    except Exception:  # whatever is wrong with it, it is not whole
        return False


def latest(output: Path) -> Path | None:
    """The newest whole checkpoint in an output folder."""
    return next(filter(is_whole, reversed(numbered(output))), None)


def resumable(folder: Path) -> Path:
    """`folder` if training can go on from it. Raises TrainingError with what it lacks."""
    if not folder.is_dir():
        raise TrainingError("training.no_checkpoint", path=folder)
    if not is_whole(folder):
        raise TrainingError("training.broken_checkpoint", path=folder)
    if not (folder / "optimizer.pt").is_file():
        raise TrainingError("training.model_only_checkpoint", path=folder)
    return folder


def rotate(output: Path, limit: int | None, best: str | None, coming: int = 0) -> list[Path]:
    """The checkpoints to remove so that `limit` stay, with so many more `coming`.

    The oldest first, never the best or the newest.
    """
    if limit is None:
        return []
    ordered = numbered(output)
    spare = [path for path in ordered[:-1] if best is None or path != Path(best)]
    return spare[: max(0, len(ordered) + coming - limit)]
