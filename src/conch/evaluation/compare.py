"""Two models on the same rows: which answers got better, which got worse, and may that be chance?

Answers are greedy unless a model's own generation config samples, and come from one engine. The two
models are in memory one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from conch.config.compare import CompareConfig
from conch.config.output import GenerationConfig
from conch.core.errors import UsageError
from conch.core.files import whole_folder, write_whole
from conch.evaluation import blind, general, report
from conch.evaluation.answering import Answer, answer_in_batches
from conch.evaluation.chance import mean_interval
from conch.evaluation.forgetting import Forgetting, forgetting
from conch.evaluation.judge import Judge
from conch.evaluation.losses import losses
from conch.evaluation.marks import CORRECT, LOSS, MARKS, USUAL
from conch.evaluation.opening import Notify, opened
from conch.evaluation.paper import Paper, paper
from conch.evaluation.scores import score
from conch.evaluation.tally import Tally, Verdict

Told = Callable[[str, int, int], None]
"""What is being done (`a`, `b` or `judge`), how many rows are done, and of how many."""
TIE = {LOSS: 0.01, CORRECT: 0.0}
TIE_POINTS = 1.0
"""Marks that lie no further apart are equal: points of 100, but hundredths of a nat for the loss."""
RESULT, PAGE, BLIND, KEY = "comparison.json", "report.html", "blind.json", "blind_key.json"


@dataclass(frozen=True)
class Said:
    """One model's answer to a row. `mark` is its score, where there is something to hold it against."""

    text: str
    finish: str
    mark: float | None


@dataclass(frozen=True)
class Row:
    """One row. `verdict` goes by the marks, `judged` is what the judge said."""

    row: int
    prompt: str
    wanted: str
    a: Said
    b: Said
    verdict: Verdict | None = None
    judged: Verdict | None = None
    area: str | None = None

    @property
    def gain(self) -> float:
        """By how much b's mark is higher."""
        return 0.0 if self.a.mark is None or self.b.mark is None else self.b.mark - self.a.mark

    def to_dict(self) -> dict[str, Any]:
        known = {key: value for key, value in asdict(self).items() if value not in (None, "")}
        return {**known, "gain": self.gain} if self.verdict else known


@dataclass(frozen=True)
class Comparison:
    """What came of it. `scores` are those of all answers of a side, by name."""

    a: str
    b: str
    rows_from: str
    metric: str | None
    rows: tuple[Row, ...]
    scores: dict[str, dict[str, float]]
    seed: int = 42

    @property
    def marks(self) -> Tally | None:
        return self._tally([row.verdict for row in self.rows])

    @property
    def judged(self) -> Tally | None:
        return self._tally([row.judged for row in self.rows])

    @staticmethod
    def _tally(verdicts: Sequence[Verdict | None]) -> Tally | None:
        known = [verdict for verdict in verdicts if verdict is not None]
        return Tally.of(known) if known else None

    @property
    def means(self) -> dict[str, float] | None:
        """The mean mark of each side, and of the differences with its 95 % interval."""
        marked = [row for row in self.rows if row.a.mark is not None and row.b.mark is not None]
        if not marked:
            return None
        gains = [row.gain for row in marked]
        low, high = mean_interval(gains)
        return {
            "a": fmean(row.a.mark or 0.0 for row in marked),
            "b": fmean(row.b.mark or 0.0 for row in marked),
            "difference": fmean(gains),
            "low": low,
            "high": high,
        }

    def worse(self) -> list[Row]:
        """Rows that got worse from a to b, the worst first."""
        lost = [row for row in self.rows if "a" in (row.verdict, row.judged)]
        return sorted(lost, key=lambda row: -row.gain if self.metric == LOSS else row.gain)

    def same_texts(self) -> int:
        return sum(row.a.text == row.b.text for row in self.rows)

    @property
    def forgetting(self) -> Forgetting | None:
        """What was forgotten of the general examination; None where something else was asked."""
        if self.metric != CORRECT:
            return None
        return forgetting([(row.area or "", bool(row.a.mark), bool(row.b.mark)) for row in self.rows])

    def pairs(self) -> list[blind.Pair]:
        """The answers side by side for a reader who must not know which is whose."""
        return blind.pairs([(row.row, row.prompt, row.a.text, row.b.text) for row in self.rows], self.seed)

    def to_dict(self) -> dict[str, Any]:
        marks, judged, forgot, means = self.marks, self.judged, self.forgetting, self.means
        return {
            "a": self.a,
            "b": self.b,
            "rows_from": self.rows_from,
            "metric": self.metric,
            "lower_is_better": self.metric == LOSS,
            "rows": [row.to_dict() for row in self.rows],
            "same_texts": self.same_texts(),
            "means": {key: _finite(value) for key, value in means.items()} if means else None,
            "marks": marks.to_dict() if marks else None,
            "judged": judged.to_dict() if judged else None,
            "worse": [row.row for row in self.worse()],
            "scores": self.scores,
            "forgetting": forgot.to_dict() if forgot else None,
        }


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def compare(
    config: CompareConfig, told: Told = lambda doing, done, of: None, notify: Notify = lambda _: None
) -> Comparison:
    """Ask both models, mark, and where a judge is named let it judge. Raises ConchError."""
    asked = paper(config.rows)
    metric = _metric(config, asked)
    a = _answers("a", config, asked, metric, told, notify)
    b = _answers("b", config, asked, metric, told, notify)
    rows = [_row(at, asked, metric, a[at], b[at]) for at in range(len(asked.questions))]
    if config.judge is not None:
        rows = _judged(config, rows, told)
    return Comparison(config.a, config.b, asked.name, metric, tuple(rows), _scores(asked, rows), config.seed)


def _metric(config: CompareConfig, asked: Paper) -> str | None:
    """Raises UsageError where a metric needs answers that nobody gave."""
    if asked.items:
        if config.metric is not None:
            raise UsageError("evaluation.metric_general", metric=config.metric)
        return CORRECT
    if asked.has_answers:
        return config.metric or USUAL
    if config.metric is not None:
        raise UsageError("evaluation.metric_without_answers", metric=config.metric, rows=asked.name)
    return None


def _answers(
    side: Literal["a", "b"],
    config: CompareConfig,
    asked: Paper,
    metric: str | None,
    told: Told,
    notify: Notify,
) -> list[tuple[Answer, float | None]]:
    """One model's answers, each with its loss where that is what is compared."""
    generation = GenerationConfig(
        max_new_tokens=config.reading.max_new_tokens or asked.answer_tokens, do_sample=False
    )
    name = config.a if side == "a" else config.b
    count = len(asked.questions)
    told(side, 0, count)
    with opened(config.reading.model(name), config.reading, generation, notify) as model:
        found: dict[int, Answer] = {}
        for made in answer_in_batches(model.chat, dict(enumerate(asked.questions)), model.sampling):
            found.update(made)
            told(side, len(found), count)
        lost = losses(model.chat, asked.questions) if metric == LOSS else []
        return [(found[at], lost[at].loss if lost else None) for at in range(count)]


def _row(
    at: int,
    asked: Paper,
    metric: str | None,
    a: tuple[Answer, float | None],
    b: tuple[Answer, float | None],
) -> Row:
    question = asked.questions[at]
    item = asked.items[at] if asked.items else None
    one, other = (
        Said(answer.predict, answer.finish, _mark(metric, item, answer.predict, question.wanted, loss))
        for answer, loss in (a, b)
    )
    verdict = _verdict(metric, one.mark, other.mark)
    return Row(at + 1, question.asked, question.wanted, one, other, verdict, area=item.area if item else None)


def _mark(
    metric: str | None, item: general.Item | None, answer: str, wanted: str, loss: float | None
) -> float | None:
    if item is not None:
        return 100.0 * item.holds(answer)
    if metric == LOSS:
        return loss
    return MARKS[metric](answer, wanted) if metric else None


def _verdict(metric: str | None, a: float | None, b: float | None) -> Verdict | None:
    if metric is None or a is None or b is None:
        return None
    gain = a - b if metric == LOSS else b - a
    if abs(gain) <= TIE.get(metric, TIE_POINTS):
        return "tie"
    return "b" if gain > 0 else "a"


def _judged(config: CompareConfig, rows: list[Row], told: Told) -> list[Row]:
    assert config.judge is not None
    pairs = [(row.prompt, row.wanted, row.a.text, row.b.text) for row in rows]
    verdicts = Judge(config.judge).verdicts(pairs, lambda done, of: told("judge", done, of))
    return [
        Row(row.row, row.prompt, row.wanted, row.a, row.b, row.verdict, verdict, row.area)
        for row, verdict in zip(rows, verdicts, strict=True)
    ]


def _scores(asked: Paper, rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    if not asked.has_answers or asked.items:
        return {}
    wanted = [row.wanted for row in rows]
    return {
        "a": score([row.a.text for row in rows], wanted),
        "b": score([row.b.text for row in rows], wanted),
    }


def write(comparison: Comparison, folder: Path) -> None:
    """JSON, a page to read, and the pairs for a blind reader with their key. Raises UsageError, OSError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("evaluation.target_exists", folder=folder)
    pairs = comparison.pairs()
    with whole_folder(folder) as place:
        write_whole(place / RESULT, _json(comparison.to_dict()))
        write_whole(place / PAGE, report.page(comparison.to_dict()))
        write_whole(place / BLIND, _json([pair.shown() for pair in pairs]))
        write_whole(place / KEY, _json({str(pair.row): pair.left_is for pair in pairs}))


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
