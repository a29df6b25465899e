"""A dataset setting in, training and evaluation examples out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from conch.config.data import DataConfig
from conch.core.conversation import Origin
from conch.core.errors import DataError
from conch.core.notice import Notice
from conch.data import cache, mixing, packing
from conch.data import workers as processes
from conch.data.check import refuse_bad_rows
from conch.data.example import Example
from conch.data.fingerprint import fingerprint
from conch.data.held_out import drawn, split, without
from conch.data.kept_rows import packed, unpacked
from conch.data.opened import Datasets
from conch.data.prepared import Prepared
from conch.data.reading import read_samples
from conch.data.recipes import RECIPES, Recipe
from conch.data.sources import find_dataset
from conch.data.streaming import Blocks, Packed, Rows, Stream, singly
from conch.data.template import ChatTemplate
from conch.data.tokens import Examples
from conch.data.workers import Encode, Progress

Parts = list[tuple[str, list[Any]]]
"""Rows, as `packed` keeps them, by the dataset that they come from, with its name."""


def prepare(
    config: DataConfig,
    template: ChatTemplate,
    seed: int,
    progress: Progress | None = None,
    stage: str = "sft",
) -> Prepared:
    """Read, mix, split, tokenise and pack, or take what was kept of an earlier time.

    Raises DataError for the first row that can't be trained on.
    """
    task = _Task(config, template, seed, stage, progress)
    return task.streamed() if config.streaming else task.whole()


def check_rows(config: DataConfig, stage: str, seed: int) -> None:
    """Read all rows (of a stream, the first of each dataset) without tokens, to refuse bad ones early.

    Raises DataError with the first bad rows of a dataset.
    """
    if cache.is_saved(config):
        return
    counts = [refuse_bad_rows(name, config, stage) for name in config.dataset]
    for name in config.eval_dataset:
        refuse_bad_rows(name, config, stage)
    known = [count for count in counts if count is not None]
    if not config.eval_dataset and len(known) == len(counts):
        split(list(range(sum(known))), config.val_size, seed)


def held_out_rows(config: DataConfig, template: ChatTemplate, seed: int, stage: str = "sft") -> list[Any]:
    """The rows that training with these settings holds back to evaluate on. Raises DataError."""
    task = _Task(config, template, seed, stage)
    parts = task.held_out()
    return [unpacked(row) for _, part in parts for row in part]


@dataclass(frozen=True)
class _Task:
    """What is asked for, and the ways to it."""

    config: DataConfig
    template: ChatTemplate
    seed: int
    stage: str
    progress: Progress | None = None

    @cached_property
    def datasets(self) -> Datasets:
        return Datasets(self.config)

    @property
    def recipe(self) -> Recipe:
        return RECIPES[self.stage]

    @property
    def packs(self) -> bool:
        return self.config.packs(self.stage)

    def whole(self) -> Prepared:
        """All rows, tokenised now or earlier, and packed."""
        made = fingerprint(
            self.datasets, self.template, self.stage, self.seed, made_already=cache.is_saved(self.config)
        )
        tokens = cache.find(self.config, made)
        notices: tuple[Notice, ...] = ()
        if tokens is None:
            with processes.seldom_cleared():
                made_now = self._tokenised()
            tokens, notices = cache.keep(self.config, made, made_now)
        train, rows = self._packed(tokens.train)
        return Prepared(
            train, tokens.eval, rows, parts=tokens.parts, notices=(*self.datasets.notices, *notices)
        )

    def streamed(self) -> Prepared:
        """A stream to train on, and examples to evaluate on: of `eval_dataset`, or `val_size` rows of it."""
        held_out, taken, notices = self._held_out_of_stream()
        rows = partial(without, self._mixed_stream, taken)
        if not any(True for _ in itertools.islice(rows(), 1)):
            raise DataError("data.val_too_large", val_size=self.config.val_size, rows=len(taken))
        stream = Stream(rows, self._encode_row, self._arrange(), self.config.buffer_size, self.seed)
        tokens = self._tokens([], held_out)
        return Prepared(
            [], tokens.eval, stream=stream, parts=tokens.parts, notices=(*self.datasets.notices, *notices)
        )

    def held_out(self) -> Parts:
        return self._held_out_of_stream()[0] if self.config.streaming else self._train_and_eval()[1]

    def _packed(self, train: Examples) -> tuple[Examples, list[list[int]] | None]:
        """The examples, which texts are cut into blocks for, and which of them share a row."""
        limit = self.config.cutoff_len
        if not self.packs:
            return train, None
        if self.stage != "pt":
            return train, packing.best_fit(train.lengths(), limit, self.seed)
        train = train.cut_at(packing.block_cuts(train.lengths(), limit))
        return train, packing.blocks(train.lengths(), limit)

    def _arrange(self) -> Rows:
        """How a stream's examples are put into rows."""
        if not self.packs:
            return singly
        limit = self.config.cutoff_len
        return Blocks(limit) if self.stage == "pt" else Packed(limit, self.seed)

    def _mixed_stream(self) -> Iterator[Any]:
        config = self.config
        sources = [partial(self._rows, name) for name in config.dataset]
        return mixing.mix(sources, config.mix_strategy, config.interleave_probs, self.seed)

    def _held_out_of_stream(self) -> tuple[Parts, frozenset[Origin | None], tuple[Notice, ...]]:
        """Rows to evaluate on, the origins of those that are taken from the stream, and what to tell."""
        config = self.config
        if not config.val_size:
            return self._read(config.eval_dataset), frozenset(), ()
        rows = drawn(self._mixed_stream(), int(config.val_size), config.buffer_size, self.seed)
        told = Notice("data.stream_held_out", {"count": len(rows), "buffer": config.buffer_size})
        return [("stream", list(map(packed, rows)))], frozenset(row.origin for row in rows), (told,)

    def _tokenised(self) -> cache.Tokens:
        """The tokens of all rows, made now."""
        train, held_out = self._train_and_eval()
        sources = [rows.__iter__ for _, rows in train]
        config = self.config
        rows = list(mixing.mix(sources, config.mix_strategy, config.interleave_probs, self.seed))
        return self._tokens(rows, held_out)

    @cached_property
    def _encode_row(self) -> Encode:
        return partial(self.recipe.examples, config=self.config, template=self.template)

    def _tokens(self, rows: list[Any], held_out: Parts) -> cache.Tokens:
        """The tokens of rows to train on and of rows to evaluate on."""
        total = len(rows) + sum(len(part) for _, part in held_out)
        workers = processes.count(self.config.preprocessing_num_workers, total)
        done = 0

        def examples(part: list[Any]) -> Examples:
            nonlocal done
            before, done = done, done + len(part)
            return processes.tokenise(
                part,
                partial(_encode_kept, self._encode_row),
                workers,
                lambda now: self._tell(before + now, total),
            )

        made = examples(rows)
        if not self.config.eval_on_each_dataset:
            return cache.Tokens(made, examples([row for _, part in held_out for row in part]))
        several = [(name, examples(part)) for name, part in held_out]
        parts = tuple((name, len(found)) for name, found in several)
        return cache.Tokens(made, Examples.of(example for _, found in several for example in found), parts)

    def _tell(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(done, total)

    def _train_and_eval(self) -> tuple[Parts, Parts]:
        """The rows to train on and those to evaluate on.

        Rows are held back before datasets are interleaved: a row that comes again is never on both sides.
        """
        config = self.config
        read = self._read(config.dataset)
        if config.eval_dataset:
            return read, self._read(config.eval_dataset)
        placed = [(place, row) for place, (_, rows) in enumerate(read) for row in rows]
        kept, taken = (_by_place(read, rows) for rows in split(placed, config.val_size, self.seed))
        empty = next((name for name, rows in kept if not rows), None)
        if config.mix_strategy != "concat" and empty is not None:
            raise DataError("training.no_rows_left", name=empty, val_size=config.val_size)
        return kept, [(name, rows) for name, rows in taken if rows]

    def _rows(self, name: str) -> Iterator[Any]:
        """The rows of one dataset, read as they are asked for. Raises DataError where there are none."""
        return read_samples(self.datasets.opened(name), self.recipe.sample, self.config.max_samples)

    def _read(self, names: Sequence[str]) -> Parts:
        shown = _short_names(names, self.config)
        read = (list(map(packed, self._rows(name))) for name in names)
        return list(zip(shown, read, strict=True))


def _encode_kept(encode: Encode, row: Any) -> list[Example]:
    return encode(unpacked(row))


def _by_place(read: Parts, placed: list[tuple[int, Any]]) -> Parts:
    """Rows, each with the place of its dataset in `read`, dataset by dataset again."""
    found: Parts = [(name, []) for name, _ in read]
    for place, row in placed:
        found[place][1].append(row)
    return found


def _short_names(names: Sequence[str], config: DataConfig) -> list[str]:
    """What datasets are called in the names of metrics: a file by its stem, each only once."""
    found: list[str] = []
    for name in names:
        short = re.sub(r"\W+", "_", find_dataset(name, config.dataset_dir).name).strip("_") or "data"
        same = sum(other == short or other.startswith(f"{short}_") for other in found)
        found.append(f"{short}_{same + 1}" if short in found else short)
    return found
