"""What a job trains and evaluates on, ready for batches, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conch.core.notice import Notice
from conch.data.example import Example
from conch.data.streaming import Stream
from conch.data.tokens import Examples


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
