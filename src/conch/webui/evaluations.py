"""What an evaluation left in its folder, as rows to sort, to filter, and to vote on blind. No torch.

`conch compare` leaves two answers to each row, `conch predict` one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.files import write_whole
from conch.evaluation.blind import Choice, Pair, votes
from conch.evaluation.marks import LOSS, MARKS, USUAL
from conch.evaluation.tally import Tally

COMPARED, PAIRS, KEY, VOTES = "comparison.json", "blind.json", "blind_key.json", "votes.json"
PREDICTED, SCORES = "generated_predictions.jsonl", "predict_results.json"
SHOWN = ("all", "worse", "better", "same")
ORDERS = ("row", "worst", "best")


@dataclass(frozen=True)
class Row:
    """One row. `a` and its mark are empty where one model alone was asked."""

    number: int
    prompt: str
    wanted: str
    b: str
    mark: float | None
    a: str = ""
    before: float | None = None
    verdict: str = ""
    """`a` where it got worse, `b` where better, `tie`, or nothing where nothing is known."""

    def gain(self, metric: str | None) -> float:
        """By how much the mark got better; of one model, how good the mark is."""
        better = -1.0 if metric == LOSS else 1.0
        return better * ((self.mark or 0.0) - (self.before or 0.0))


@dataclass(frozen=True)
class Evaluation:
    """Rows, and what is known of all of them. `document` is that of the comparison, where it is one."""

    rows: tuple[Row, ...]
    metric: str | None
    scores: dict[str, dict[str, float]]
    document: dict[str, Any] | None = None

    @property
    def compares(self) -> bool:
        return self.document is not None

    def chosen(self, shown: str, order: str) -> list[Row]:
        """The rows that are `shown`, in `order`."""
        verdict = {"worse": "a", "better": "b", "same": "tie"}.get(shown)
        found = [row for row in self.rows if verdict is None or row.verdict == verdict]
        if order == "row":
            return found
        return sorted(found, key=lambda row: row.gain(self.metric), reverse=order == "best")


def read(folder: Path) -> Evaluation:
    """Raises OSError, ValueError or KeyError where the folder does not hold one."""
    if (folder / COMPARED).is_file():
        return _compared(json.loads((folder / COMPARED).read_text(encoding="utf-8")))
    return _predicted(folder)


def _compared(document: dict[str, Any]) -> Evaluation:
    rows = [
        Row(
            row["row"],
            row["prompt"],
            row.get("wanted", ""),
            row["b"]["text"],
            row["b"]["mark"],
            row["a"]["text"],
            row["a"]["mark"],
            row.get("judged") or row.get("verdict") or "",
        )
        for row in document["rows"]
    ]
    return Evaluation(tuple(rows), document["metric"], document["scores"], document)


def _predicted(folder: Path) -> Evaluation:
    lines = (folder / PREDICTED).read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line]
    mark = MARKS[USUAL]
    rows = [
        Row(number, each["prompt"], each["label"], each["predict"], mark(each["predict"], each["label"]))
        for number, each in enumerate(entries, 1)
    ]
    told = json.loads((folder / SCORES).read_text(encoding="utf-8"))
    scores = {name.removeprefix("predict_"): value for name, value in told.items()}
    return Evaluation(tuple(rows), USUAL, {"b": scores})


class Ballot:
    """The blind vote on the pairs of a comparison, kept beside it: anybody goes on where others stopped."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / VOTES
        whose = json.loads((folder / KEY).read_text(encoding="utf-8"))
        shown = json.loads((folder / PAIRS).read_text(encoding="utf-8"))
        self.pairs = [
            Pair(each["row"], each["prompt"], each["left"], each["right"], whose[str(each["row"])])
            for each in shown
        ]
        self.chosen: dict[int, Choice] = self._read()

    def next(self) -> Pair | None:
        """The first pair without a vote."""
        return next((pair for pair in self.pairs if pair.row not in self.chosen), None)

    def vote(self, row: int, choice: Choice) -> None:
        self._keep({**self.chosen, row: choice})

    def take_back(self) -> None:
        """Forget the last vote."""
        self._keep(dict(list(self.chosen.items())[:-1]))

    def tally(self) -> Tally:
        return Tally.of(votes(self.pairs, self.chosen))

    def _keep(self, chosen: dict[int, Choice]) -> None:
        write_whole(self._file, json.dumps({str(row): choice for row, choice in chosen.items()}))
        self.chosen = chosen

    def _read(self) -> dict[int, Choice]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
            return {int(row): choice for row, choice in kept.items()}
        except (OSError, ValueError, AttributeError):
            return {}


def page_of(rows: Sequence[Row], page: int, size: int) -> tuple[list[Row], int, int]:
    """The rows of one page, which page that is, and how many there are."""
    pages = max(1, -(-len(rows) // size))
    at = min(max(1, page), pages)
    return list(rows[(at - 1) * size : at * size]), at, pages


def known(read_one: Callable[[], Any]) -> Any:
    """What is read; None where it can't be."""
    try:
        return read_one()
    except (OSError, ValueError, KeyError, TypeError):
        return None
