"""The checkpoint folders of an output folder, by their names alone."""

from __future__ import annotations

import re
from pathlib import Path


def step_of(folder: Path) -> int:
    """The step in a checkpoint's name; -1 for any other name."""
    match = re.fullmatch(r"checkpoint-(\d+)", folder.name)
    return int(match[1]) if match else -1


def numbered(output: Path) -> list[Path]:
    """Every checkpoint folder in an output folder, the oldest first."""
    found = (path for path in output.glob("checkpoint-*") if step_of(path) >= 0 and path.is_dir())
    return sorted(found, key=step_of)
