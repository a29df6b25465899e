"""A dataset → its rows → samples, one by one.

Training reads strictly: the first row that breaks a rule ends it. Checking reads the same rows
through the same formats and goes on behind every fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from conch.core.conversation import Conversation, Document, Feedback, Preference
from conch.core.errors import DataError, RowError
from conch.core.files import exists
from conch.core.notice import Hear, unheard
from conch.data import hubs, readers
from conch.data.archives import files_at
from conch.data.dataset import Dataset
from conch.data.files import DataFile
from conch.data.formats import FORMATS, Format
from conch.data.layout import ALPACA, OPENAI, SHAREGPT, Layout
from conch.data.recognise import LOOKED_AT, Recognised, recognise
from conch.data.rows import Fault, Item, Row, Sample
from conch.data.rules import errors_in

S = TypeVar("S", Conversation, Preference, Feedback, Document)

_BASES = {"alpaca": ALPACA, "sharegpt": SHAREGPT, "openai": OPENAI}
STAGES: dict[type[Sample], str] = {
    Conversation: "sft",
    Document: "pt",
    Preference: "dpo",
    Feedback: "kto",
}
"""What a kind of sample is trained with."""
SAMPLES: dict[str, type[Sample]] = {**{stage: kind for kind, stage in STAGES.items()}, "rm": Preference}
"""The kind of sample that a stage trains on."""


@dataclass(frozen=True)
class Opened:
    """A dataset whose files are at hand, and whose format is known."""

    dataset: Dataset
    files: tuple[DataFile, ...]
    format: Format
    layout: Layout
    recognised: Recognised | None = None
    """How the format was told; None where a description says it."""
    default_system: str | None = None
    """The system text of rows that have none."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Part to column, of those columns that the first rows have."""

    def items(self) -> Iterator[Item]:
        """Every row and every fault, file by file."""
        return items_of(self.files)

    def sample(self, row: Row) -> Sample:
        """What `row` becomes. Raises RowError."""
        return self.format.read(row, self.layout, self.default_system)

    def bound(self, max_samples: int | None) -> int | None:
        """How many rows are taken at most."""
        return min((n for n in (self.dataset.num_samples, max_samples) if n is not None), default=None)


def open_dataset(dataset: Dataset, default_system: str | None = None, told: Hear = unheard) -> Opened:
    """Obtain the files of `dataset` and tell their format. Raises DataError.

    `told` hears of hubs that failed.
    """
    files = tuple(files_of(dataset, told))
    head = list(islice(items_of(files), LOOKED_AT))
    if not head:
        raise DataError("data.empty", file=dataset.place)
    found = None
    if dataset.formatting or dataset.columns or dataset.tags or dataset.ranking:
        format, layout = _described(dataset, head)
    else:
        found = recognise(head, dataset.place)
        format, layout = found.format, found.layout
    there = {key for item in head if isinstance(item, Row) for key in item.values}
    columns = {part: column for part, column in layout.columns.named().items() if column in there}
    return Opened(dataset, files, format, layout, found, default_system, columns)


def items_of(files: Sequence[DataFile]) -> Iterator[Item]:
    for file in files:
        yield from readers.read(file)


def files_of(dataset: Dataset, told: Hear = unheard) -> list[DataFile]:
    """The files of `dataset`, fetched if need be. Raises DataError."""
    if dataset.hubs:
        return [file for path in hubs.fetch(dataset, told) for file in files_at(path)]
    assert dataset.file is not None
    if not exists(dataset.file):
        raise DataError("data.no_file", file=dataset.file)
    return files_at(_part(dataset.file, dataset.part))


def _part(place: Path, part: str | None) -> Path:
    if part is None:
        return place
    inner = (place / part).resolve()
    if not inner.is_dir() or not inner.is_relative_to(place.resolve()):
        raise DataError("data.no_part", folder=place, part=part)
    return inner


def _described(dataset: Dataset, head: Sequence[Item]) -> tuple[Format, Layout]:
    """The format and layout that a description gives."""
    formatting = dataset.formatting or "alpaca"
    base = _BASES[formatting]
    tags = replace(base.tags, **{tag: word for tag, word in dataset.tags.items() if word is not None})
    given = dict(dataset.columns)
    if dataset.ranking:
        unused = {"response": None} if base is ALPACA else {}
        given = {"chosen": "chosen", "rejected": "rejected", **unused, **given}
        name = "pairwise"
    elif given.get("kto_tag"):
        name = "kto"
    else:
        name = "text" if base is ALPACA and _is_text(given, head) else formatting
    return FORMATS[name], Layout(base.columns.changed(given), tags)


def _is_text(given: dict[str, str | None], head: Sequence[Item]) -> bool:
    """LLaMA-Factory's way to describe text for pre-training: a prompt, and nothing that answers it."""
    if not given.get("prompt") or given.get("response"):
        return False
    if "response" in given:
        return True
    answer = ALPACA.columns.response
    return not any(answer in item.values for item in head if isinstance(item, Row))


def read_samples(opened: Opened, wanted: type[S], max_samples: int | None = None) -> Iterator[S]:
    """The samples of a dataset, in order. Raises DataError at the first row that can't be trained on."""
    require(opened, wanted)
    for sample in judged(opened, opened.bound(max_samples)):
        if isinstance(sample, DataError):
            raise sample
        assert isinstance(sample, wanted)
        yield sample


def require(opened: Opened, wanted: type[Sample]) -> None:
    """Refuse a dataset of another kind than a stage is for."""
    if opened.format.sample is not wanted:
        values = {"name": opened.dataset.name, "format": opened.format.name}
        stages = {"stage": STAGES[wanted], "right": STAGES[opened.format.sample]}
        raise DataError("data.other_kind", **values, **stages)


def judged(opened: Opened, bound: int | None = None) -> Iterator[Sample | DataError]:
    """Each of the first `bound` rows as a sample, or as everything for which it can't be trained on."""
    for item in islice(opened.items(), bound):
        if isinstance(item, Fault):
            yield item.error
            continue
        try:
            sample = opened.sample(item)
        except RowError as error:
            yield error
            continue
        errors = list(errors_in(sample))
        if not errors:
            yield sample
        yield from errors
