"""Everything that can go wrong for a user. Foreign errors are translated once, at the border.

    ConchError              exit code 1
    ├── UsageError          exit code 2: what was asked for makes no sense
    │   └── ConfigErrors    all problems of a config at once
    ├── DataError           a dataset file, with file and row
    │   └── RowError        one row of it; what is wrong and where it is can be told apart
    ├── ModelError          a model's files
    ├── RunError            a run on disk
    ├── TrainingError       found while training
    ├── ExportError         an export, or its proof
    └── ServeError          a server, or a request to it

Each error is named by a key of the text catalogue and says what happened, where, and (under
the key + `.fix`) what to do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conch.core.text import has, tr


def first_line(error: BaseException) -> str:
    """The first line of what a foreign error says; the name of its class where it says nothing."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def as_written(value: Any) -> str:
    """A value as a config file writes it: `null`, `true`, `[a, 1]`; text between quotes."""
    if isinstance(value, str):
        return f"'{value}'"
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # a key that is no text, or a list that holds itself
        return repr(value)


class ConchError(Exception):
    """An error that a person can act on. `key` names its text; `values` fill it in."""

    exit_code = 1

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = values
        super().__init__(key, values)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """So that a worker process can hand an error to its parent."""
        return _restored, (type(self), self.args, self.__dict__)

    @property
    def message(self) -> str:
        return tr(self.key, **self.values)

    @property
    def hint(self) -> str:
        """What to do about it."""
        fix = f"{self.key}.fix"
        return tr(fix, **self.values) if has(fix) else ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, "message": self.message, "hint": self.hint}


def _restored(kind: type[ConchError], arguments: tuple[Any, ...], state: dict[str, Any]) -> ConchError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(state)
    return error


class UsageError(ConchError):
    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one config key."""

    key: str
    value: Any
    expected: str
    where: str = ""
    """The file and line, or the word on the command line, that set it."""
    suggestion: str = ""

    def sentence(self) -> str:
        shown = as_written(self.value)[:200]
        unset = self.value is None and not self.where
        key = "config.problem_unset" if unset else "config.problem"
        line = tr(key, key=self.key, value=shown, expected=self.expected)
        if self.where:
            line += tr("config.problem_where", where=self.where)
        if self.suggestion:
            line += tr("config.did_you_mean", suggestion=self.suggestion)
        return line

    def to_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "value": _for_json(self.value),
            "expected": self.expected,
            "where": self.where,
            "suggestion": self.suggestion,
        }


def _for_json(value: Any) -> Any:
    """The value itself where JSON can hold it, else how it is shown."""
    try:
        json.dumps(value, allow_nan=False, default=str)
    except (TypeError, ValueError):
        return as_written(value)
    return value


class ConfigErrors(UsageError):  # noqa: N818 - it holds several
    """Every problem of a config, told together."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("config.invalid", count=len(self.problems))

    @property
    def message(self) -> str:
        head = tr("config.invalid", count=len(self.problems))
        return "\n".join([head, *(f"  {problem.sentence()}" for problem in self.problems)])

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


class DataError(ConchError):
    pass


class RowError(DataError):
    """Something wrong with one row (or, with `unit` line, one line) of a dataset file.

    Its text says what is wrong; `message` says where, too.
    """

    def __init__(self, key: str, /, *, file: str, row: int, unit: str = "row", **values: Any) -> None:
        super().__init__(key, file=file, row=row, **values)
        self.file = file
        self.row = row
        self.unit = unit

    @property
    def rule(self) -> str:
        """The name of the rule that it breaks, such as `empty`."""
        return self.key.partition(".")[2]

    @property
    def reason(self) -> str:
        return tr(self.key, **self.values)

    @property
    def message(self) -> str:
        return tr(f"check.at_{self.unit}", file=self.file, row=self.row, reason=self.reason)

    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "file": self.file, "row": self.row, "rule": self.rule}


class ModelError(ConchError):
    pass


class RunError(ConchError):
    pass


class TrainingError(ConchError):
    pass


class ExportError(ConchError):
    pass


class ServeError(ConchError):
    pass
