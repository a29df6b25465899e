"""A cleaned copy of a dataset as a dataset of its own, in one step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conch.data import registry
from conch.data.check import check
from conch.data.describe import register
from conch.data.keeping import free_name
from conch.data.reading import open_dataset
from conch.data.repair import Repaired, repair
from conch.data.sources import find_dataset


@dataclass(frozen=True)
class Cleaned:
    name: str
    repaired: Repaired


def cleaned_copy(name: str) -> Cleaned:
    """Register a copy of the dataset `name` without the rows at fault. Raises DataError."""
    opened = open_dataset(find_dataset(name))
    new = free_name(Path(f"{name}-clean.jsonl"))
    done = repair(check(opened), _free(registry.own_folder() / "cleaned" / new))
    places = {file.path for file in opened.files}
    alone = len(places) == 1 and not (opened.dataset.file and opened.dataset.file.is_dir())
    place = done.folder / places.pop().name if alone else done.folder
    register(new, {"file_name": str(place), **registry.reading(name)})
    return Cleaned(new, done)


def _free(folder: Path) -> Path:
    """Its name, or the next one like it that nothing has."""
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 1000))
    return next(each for each in (folder, *numbered) if not each.exists())
