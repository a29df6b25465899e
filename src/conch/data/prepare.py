"""A dataset setting in, training and evaluation examples out."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from conch.config.data import DataConfig
from conch.core.conversation import Conversation, Document, Origin
from conch.core.errors import DataError
from conch.core.notice import Notice
from conch.data import cache, mixing, packing
from conch.data import workers as processes
from conch.data.check import refuse_bad_rows
from conch.data.example import Example, conversation_examples, document_examples
from conch.data.reading import read_samples
from conch.data.sources import find_dataset
from conch.data.streaming import Blocks, Packed, Rows, Stream, singly
from conch.data.template import ChatTemplate
from conch.data.tokens import Examples
from conch.data.workers import Progress

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class DataFacts:
    """What became of the rows, to be shown before the first step. None where rows are streamed."""

    train_rows: int | None
    eval_rows: int
    tokens: int | None
    trained_tokens: int | None
    truncated_rows: int
    longest: int
    packed_rows: int | None = None
    """How many rows the examples were packed into, where they were."""


@dataclass(frozen=True)
class Prepared:
    """Examples to train and to evaluate on.

    `rows` says which examples share a row of a batch, where they are packed. With `stream` there
    are no examples yet: it makes rows of them while they are trained on. `parts` names the
    datasets whose examples `eval` holds one after another, where each is to be told by itself.
    """

    train: Sequence[Example]
    eval: Sequence[Example]
    rows: Sequence[Sequence[int]] | None = None
    stream: Stream | None = None
    parts: tuple[tuple[str, int], ...] = ()
    notices: tuple[Notice, ...] = ()

    def facts(self) -> DataFacts:
        train, held_out = Examples.of_any(self.train), Examples.of_any(self.eval)
        streamed = self.stream is not None
        return DataFacts(
            train_rows=None if streamed else len(train),
            eval_rows=len(held_out),
            tokens=None if streamed else sum(train.lengths()),
            trained_tokens=None if streamed else sum(train.trained_counts()),
            truncated_rows=train.truncated() + held_out.truncated(),
            longest=max([*train.lengths(), *held_out.lengths()], default=0),
            packed_rows=None if self.rows is None else len(self.rows),
        )

    def weights(self) -> list[tuple[int, int]]:
        """Tokens and labels of each row of a batch; none where rows are streamed."""
        train = Examples.of_any(self.train)
        lengths, trained = train.lengths(), train.trained_counts()
        rows = self.rows if self.rows is not None else [(index,) for index in range(len(train))]
        return [(sum(lengths[i] for i in row), sum(trained[i] for i in row)) for row in rows]

    def heaviest_rows(self, count: int) -> list[int]:
        """The rows that shuffling could bring together in the heaviest micro batch of `count`."""
        weights = self.weights()
        return sorted(range(len(weights)), key=lambda row: weights[row], reverse=True)[:count]

    def row_count(self) -> int:
        """How many rows of a batch an epoch has."""
        return len(self.train) if self.rows is None else len(self.rows)


def read_conversations(names: Sequence[str], config: DataConfig) -> list[Conversation]:
    """The conversations of every dataset named, each bounded by `max_samples`, in order."""
    return [found for name in names for found in stream_conversations(name, config)]


def read_documents(names: Sequence[str], config: DataConfig) -> list[Document]:
    """The documents of every dataset named, each bounded by `max_samples`, in order."""
    return [found for name in names for found in stream_documents(name, config)]


def stream_conversations(name: str, config: DataConfig) -> Iterator[Conversation]:
    """The conversations of one dataset, read as they are asked for. Raises DataError where there are none."""
    dataset = find_dataset(name, config.dataset_dir)
    return read_samples(dataset, Conversation, config.max_samples, config.default_system)


def stream_documents(name: str, config: DataConfig) -> Iterator[Document]:
    """The documents of one dataset, read as they are asked for. Raises DataError where there are none."""
    return read_samples(find_dataset(name, config.dataset_dir), Document, config.max_samples)


# tokens


class RowExamples(Protocol):
    def __call__(self, row: Any, /, config: DataConfig, template: ChatTemplate) -> list[Example]: ...


class Recipe(NamedTuple):
    """How the rows of a stage are read, and what examples become of one."""

    stream: Callable[[str, DataConfig], Iterator[Any]]
    examples: RowExamples


RECIPES = {
    "sft": Recipe(stream_conversations, conversation_examples),
    "pt": Recipe(stream_documents, document_examples),
}
"""Stage to recipe."""


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
    if config.streaming:
        return _streamed(config, template, seed, progress, stage)
    made = cache.fingerprint(config, template, stage, seed)
    tokens = cache.find(config, made)
    notices: tuple[Notice, ...] = ()
    if tokens is None:
        tokens = _tokenised(config, template, seed, progress, stage)
        tokens, notices = cache.keep(config, made, tokens)
    train, rows = tokens.train, None
    if config.packs(stage) and stage == "pt":
        train = train.cut_at(packing.block_cuts(train.lengths(), config.cutoff_len))
        rows = packing.blocks(train.lengths(), config.cutoff_len)
    elif config.packs(stage):
        rows = packing.best_fit(train.lengths(), config.cutoff_len, seed)
    return Prepared(train, tokens.eval, rows, parts=tokens.parts, notices=notices)


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


def split(rows: list[RowT], val_size: float, seed: int) -> tuple[list[RowT], list[RowT]]:
    """Take `val_size` (a share below 1, else a count) of the rows out at random, by `seed`.

    Both parts keep the order of the file.
    """
    if not val_size:
        return rows, []
    count = round(len(rows) * val_size) if val_size < 1 else int(val_size)
    count = max(count, 1)
    if count >= len(rows):
        raise DataError("data.val_too_large", val_size=val_size, rows=len(rows))
    chosen = set(random.Random(seed).sample(range(len(rows)), count))
    kept = [row for i, row in enumerate(rows) if i not in chosen]
    taken = [row for i, row in enumerate(rows) if i in chosen]
    return kept, taken


Parts = list[tuple[str, list[Any]]]
"""Rows by the dataset that they come from, with its name."""


def _tokenised(
    config: DataConfig, template: ChatTemplate, seed: int, progress: Progress | None, stage: str
) -> cache.Tokens:
    """The tokens of all rows, made now."""
    train, held_out = _train_and_eval(config, RECIPES[stage], seed)
    sources = [rows.__iter__ for _, rows in train]
    rows = list(mixing.mix(sources, config.mix_strategy, config.interleave_probs, seed))
    return _tokens(rows, held_out, config, template, stage, progress)


def _tokens(
    rows: list[Any],
    held_out: Parts,
    config: DataConfig,
    template: ChatTemplate,
    stage: str,
    progress: Progress | None,
) -> cache.Tokens:
    """The tokens of rows to train on and of rows to evaluate on."""
    encode_row = partial(RECIPES[stage].examples, config=config, template=template)
    total = len(rows) + sum(len(part) for _, part in held_out)
    workers = processes.count(config.preprocessing_num_workers, total)
    done = 0

    def examples(part: list[Any]) -> Examples:
        nonlocal done
        before, done = done, done + len(part)
        told = (lambda now: progress(before + now, total)) if progress else (lambda now: None)
        return processes.tokenise(part, encode_row, workers, told)

    made = examples(rows)
    if not config.eval_on_each_dataset:
        return cache.Tokens(made, examples([row for _, part in held_out for row in part]))
    several = [(name, examples(part)) for name, part in held_out]
    parts = tuple((name, len(found)) for name, found in several)
    return cache.Tokens(made, Examples.of(example for _, found in several for example in found), parts)


def _train_and_eval(config: DataConfig, recipe: Recipe, seed: int) -> tuple[Parts, Parts]:
    """The rows to train on and those to evaluate on.

    Rows are held back before datasets are interleaved: a row that comes again is never on both sides.
    """
    read = _read(config.dataset, config, recipe)
    if config.eval_dataset:
        return read, _read(config.eval_dataset, config, recipe)
    placed = [(place, row) for place, (_, rows) in enumerate(read) for row in rows]
    kept, taken = (_by_place(read, rows) for rows in split(placed, config.val_size, seed))
    empty = next((name for name, rows in kept if not rows), None)
    if config.mix_strategy != "concat" and empty is not None:
        raise DataError("training.no_rows_left", name=empty, val_size=config.val_size)
    return kept, [(name, rows) for name, rows in taken if rows]


def _read(names: Sequence[str], config: DataConfig, recipe: Recipe) -> Parts:
    shown = _short_names(names, config)
    return [(short, list(recipe.stream(name, config))) for short, name in zip(shown, names, strict=True)]


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


def _streamed(
    config: DataConfig, template: ChatTemplate, seed: int, progress: Progress | None, stage: str
) -> Prepared:
    """A stream to train on, and examples to evaluate on: of `eval_dataset`, or the first `val_size` rows."""
    recipe = RECIPES[stage]
    sources = [partial(recipe.stream, name, config) for name in config.dataset]
    mixed = partial(mixing.mix, sources, config.mix_strategy, config.interleave_probs, seed)
    held_out = _read(config.eval_dataset, config, recipe)
    if config.val_size:
        held_out = [("stream", list(itertools.islice(mixed(), int(config.val_size))))]
    taken = frozenset(row.origin for _, part in held_out for row in part) if config.val_size else frozenset()
    rows = partial(_without, mixed, taken)
    if not any(True for _ in itertools.islice(rows(), 1)):
        raise DataError("data.val_too_large", val_size=config.val_size, rows=len(taken))
    arrange: Rows = singly
    if config.packs(stage):
        arrange = Blocks(config.cutoff_len) if stage == "pt" else Packed(config.cutoff_len, seed)
    encode_row = partial(recipe.examples, config=config, template=template)
    stream = Stream(rows, encode_row, arrange, config.buffer_size, seed)
    tokens = _tokens([], held_out, config, template, stage, progress)
    return Prepared([], tokens.eval, stream=stream, parts=tokens.parts)


def _without(rows: Callable[[], Iterator[Any]], origins: frozenset[Origin | None]) -> Iterator[Any]:
    """Rows that come from none of `origins`."""
    return (row for row in rows() if row.origin not in origins)
