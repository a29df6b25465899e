"""A dataset setting in, training and evaluation examples out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conch.config.data import DataConfig
from conch.core.conversation import Conversation
from conch.core.errors import DataError
from conch.data.example import Example, check, encode
from conch.data.mapping import alpaca
from conch.data.sources import Dataset, find_dataset, read_rows
from conch.data.template import ChatTemplate

Progress = Callable[[int, int], None]
"""Told (rows done, rows in all) now and then."""


@dataclass(frozen=True)
class DataFacts:
    """What became of the rows, to be shown before the first step."""

    train_rows: int
    eval_rows: int
    tokens: int
    trained_tokens: int
    truncated_rows: int
    longest: int


@dataclass(frozen=True)
class Prepared:
    train: list[Example]
    eval: list[Example]

    def facts(self) -> DataFacts:
        return DataFacts(
            train_rows=len(self.train),
            eval_rows=len(self.eval),
            tokens=sum(map(len, self.train)),
            trained_tokens=sum(example.trained() for example in self.train),
            truncated_rows=sum(example.truncated for example in [*self.train, *self.eval]),
            longest=max(map(len, [*self.train, *self.eval]), default=0),
        )


def read_conversations(names: Sequence[str], config: DataConfig) -> list[Conversation]:
    """The conversations of every dataset named, each bounded by `max_samples`, in order."""
    return [
        conversation
        for name in names
        for conversation in _read_one(find_dataset(name, config.dataset_dir), config)
    ]


def _read_one(dataset: Dataset, config: DataConfig) -> list[Conversation]:
    bound = min((n for n in (dataset.num_samples, config.max_samples) if n is not None), default=None)
    found: list[Conversation] = []
    for row in read_rows(dataset.file):
        if bound is not None and len(found) >= bound:
            break
        found.append(alpaca(row, dataset.columns, config.default_system))
    if not found:
        raise DataError("data.empty", file=dataset.file)
    return found


def split(
    conversations: list[Conversation], val_size: float, seed: int
) -> tuple[list[Conversation], list[Conversation]]:
    """Take `val_size` (a share below 1, else a count) of the rows out at random, by `seed`.

    Both parts keep the order of the file.
    """
    if not val_size:
        return conversations, []
    count = round(len(conversations) * val_size) if val_size < 1 else int(val_size)
    count = max(count, 1)
    if count >= len(conversations):
        raise DataError("data.val_too_large", val_size=val_size, rows=len(conversations))
    chosen = set(random.Random(seed).sample(range(len(conversations)), count))
    kept = [conversation for i, conversation in enumerate(conversations) if i not in chosen]
    taken = [conversation for i, conversation in enumerate(conversations) if i in chosen]
    return kept, taken


def prepare(
    config: DataConfig, template: ChatTemplate, seed: int, progress: Progress | None = None
) -> Prepared:
    """Read, split and tokenise. Raises DataError for the first row that can't be trained on."""
    conversations = read_conversations(config.dataset, config)
    if config.eval_dataset:
        train, held_out = conversations, read_conversations(config.eval_dataset, config)
    else:
        train, held_out = split(conversations, config.val_size, seed)
    total = len(train) + len(held_out)

    def tokenise(part: list[Conversation], done: int) -> list[Example]:
        examples: list[Example] = []
        for number, conversation in enumerate(part, 1):
            examples.extend(_examples(conversation, config, template))
            if progress and number % 500 == 0:
                progress(done + number, total)
        return examples

    return Prepared(tokenise(train, 0), tokenise(held_out, len(train)))


def _examples(conversation: Conversation, config: DataConfig, template: ChatTemplate) -> list[Example]:
    whole = encode(
        conversation, template, train_on_prompt=config.train_on_prompt, mask_history=config.mask_history
    )
    cut = [example.cut(config.cutoff_len) for example in whole]
    for full, example in zip(whole, cut, strict=True):
        check(example, config.cutoff_len, len(full))
    return cut
