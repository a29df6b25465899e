"""What is wrong with a dataset, row by row, before a model is trained on it.

Every row is read as training would read it and held against every rule; nothing ends at the
first fault. The originals are only read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conch.config.data import DataConfig
from conch.core.errors import DataError, RowError
from conch.core.text import tr
from conch.data.measure import Measure
from conch.data.reading import SAMPLES, STAGES, Opened, judged, open_dataset, require
from conch.data.repeats import RepeatRule, evaluation_rule
from conch.data.rows import Fault, Row
from conch.data.rules import ERRORS, WARNINGS, Look, Rule, token_rule
from conch.data.sources import asked_dataset

Severity = Literal["error", "warning"]
KEPT = 20
"""Findings that are kept of each rule. All are counted."""
TOLD = 5
"""Errors that are told when a training is refused."""
OF_A_STREAM = 1000
"""Rows of a stream that are looked at before a training."""
WARNED: frozenset[str] = frozenset(
    {"placeholder", "language", "same_answers", "duplicate", "near_duplicate", "in_eval", "answer_cut"}
)
"""Rules that don't stop a training. Everything else does."""
TAKEN_OUT: frozenset[str] = frozenset({"duplicate", "in_eval", "same_answers"})
"""Rules of warnings for which a cleaned copy leaves a row out, as it does for every error."""


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found. `row` is None where it concerns the whole file."""

    file: str
    row: int | None
    rule: str
    severity: Severity
    reason: str
    remedy: str
    unit: str = "row"
    """What `row` counts: rows, or lines of the file."""

    @property
    def message(self) -> str:
        """What is wrong, and where."""
        if self.row is None:
            return self.reason
        return tr(f"check.at_{self.unit}", file=self.file, row=self.row, reason=self.reason)

    @staticmethod
    def of(error: DataError) -> Finding:
        if isinstance(error, RowError):
            severity: Severity = "warning" if error.rule in WARNED else "error"
            return Finding(error.file, error.row, error.rule, severity, error.reason, error.hint, error.unit)
        rule = error.key.partition(".")[2]
        return Finding(str(error.values.get("file", "-")), None, rule, "error", error.message, error.hint)

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass
class Report:
    """What was found in one dataset."""

    opened: Opened
    rows: int = 0
    unused: list[str] = field(default_factory=list)
    """Columns of the first row that no part is read from."""
    counts: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    bad: dict[tuple[str, int], list[Finding]] = field(default_factory=dict)
    """The rows that a cleaned copy leaves out, and why."""

    def add(self, error: DataError) -> None:
        found = Finding.of(error)
        self.counts[found.rule] += 1
        kept = self.findings.setdefault(found.rule, [])
        if len(kept) < KEPT:
            kept.append(found)
        if found.row is not None and (found.severity == "error" or found.rule in TAKEN_OUT):
            self.bad.setdefault((found.file, found.row), []).append(found)

    def total(self, severity: Severity) -> int:
        return sum(count for rule, count in self.counts.items() if severity_of(rule) == severity)

    @property
    def passed(self) -> bool:
        """Whether training may start."""
        return not self.total("error")

    def sorted(self) -> list[tuple[str, list[Finding]]]:
        """Rule and its findings: errors first, the most frequent first."""
        order = sorted(self.counts, key=lambda rule: (severity_of(rule) != "error", -self.counts[rule], rule))
        return [(rule, sorted(self.findings[rule], key=lambda f: (f.file, f.row or 0))) for rule in order]

    def to_dict(self) -> dict[str, Any]:
        opened = self.opened
        return {
            "dataset": opened.dataset.name,
            "file": opened.dataset.place,
            "format": opened.format.name,
            "columns": dict(opened.columns),
            "unused_columns": self.unused,
            "stage": STAGES[opened.format.sample],
            "rows": self.rows,
            "passed": self.passed,
            "errors": self.total("error"),
            "warnings": self.total("warning"),
            "rules": {
                rule: {"severity": severity_of(rule), "count": self.counts[rule]} for rule, _ in self.sorted()
            },
            "findings": [found.to_dict() for _, listed in self.sorted() for found in listed],
        }


def severity_of(rule: str) -> Severity:
    return "warning" if rule in WARNED else "error"


def check(
    opened: Opened,
    evaluated: Opened | None = None,
    measure: Measure | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> Report:
    """Hold every row of `opened` against every rule; with `measure`, also what becomes of it in tokens.

    `told` hears how many rows were looked at so far.
    """
    report = Report(opened)
    repeats = RepeatRule()
    rules: list[Rule] = [*_rules(evaluated, measure), repeats]
    for item in opened.items():
        if isinstance(item, Row):
            report.rows += 1
            told(report.rows)
            report.unused = report.unused if report.rows > 1 else _unused(opened, item)
        for error in _errors_of(opened, item, rules):
            report.add(error)
    for error in repeats.rest():
        report.add(error)
    return report


def _unused(opened: Opened, row: Row) -> list[str]:
    used = set(opened.layout.columns.named().values())
    return [str(column) for column in row.values if column not in used]


def _rules(evaluated: Opened | None, measure: Measure | None) -> list[Rule]:
    rules = [*ERRORS, *WARNINGS]
    if evaluated is not None:
        rules.append(evaluation_rule(_looks(evaluated)))
    if measure is not None:
        rules.append(token_rule(measure))
    return rules


def _errors_of(opened: Opened, item: Row | Fault, rules: Sequence[Rule]) -> Iterator[DataError]:
    if isinstance(item, Fault):
        yield item.error
        return
    try:
        look = Look(opened.sample(item))
    except RowError as error:
        yield error
        return
    for rule in rules:
        yield from rule(look)


def _looks(opened: Opened) -> Iterator[Look]:
    """The rows that can be read; what is wrong with the others is for a check of their own."""
    return (Look(sample) for sample in judged(opened) if not isinstance(sample, DataError))


class BadRowsError(DataError):
    """A dataset whose rows can't be trained on, with the first of them."""

    def __init__(self, name: str, problems: Sequence[DataError]) -> None:
        super().__init__("data.bad_rows", name=name)
        self.problems = tuple(problems)

    @property
    def message(self) -> str:
        lines = ["  " + tr("check.with_remedy", message=p.message, remedy=p.hint) for p in self.problems]
        return "\n".join([tr(self.key, **self.values), *lines])

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


def refuse_bad_rows(name: str, config: DataConfig, stage: str) -> int | None:
    """How many rows of a dataset are trained on. Raises DataError with the first that can't be.

    Of a stream only the first rows are looked at, and what lies on a hub is left to the worker,
    which fetches it: both have no count.
    """
    dataset = asked_dataset(name, config)
    if dataset.hubs:
        return None
    opened = open_dataset(dataset, config.default_system)
    require(opened, SAMPLES[stage])
    bound = opened.bound(config.max_samples)
    if config.streaming:
        bound = min(bound or OF_A_STREAM, OF_A_STREAM)
    count = 0
    problems: list[DataError] = []
    for sample in judged(opened, bound):
        count += 1
        if isinstance(sample, DataError):
            problems.append(sample)
        if len(problems) == TOLD:
            break
    if problems:
        raise BadRowsError(name, problems)
    return None if config.streaming else count
