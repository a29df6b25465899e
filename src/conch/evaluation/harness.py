"""Public benchmarks by lm-eval, asked of a server of ours: what is scored is what is served.

lm-eval is an extra (`conch[eval]`). It speaks to `/v1/completions` with tokens and reads back their
log-probabilities. Datasets of tasks come from where the task says, as lm-eval fetches them.
"""

from __future__ import annotations

import difflib
import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import DataError, UsageError, first_line

AT_ONCE = 4
"""Requests in hand; more gain nothing on one machine."""
REQUEST_SECONDS = 600


@dataclass(frozen=True)
class Bench:
    """What is run. `folder` holds tasks of the user's own; `limit` is a number of rows of each task."""

    tasks: tuple[str, ...]
    folder: Path | None = None
    limit: int | None = None
    shots: int | None = None
    as_chat: bool = False


@dataclass(frozen=True)
class Served:
    """Where the model is served, under which name, and how many tokens it takes."""

    url: str
    name: str
    tokenizer: Path
    context: int
    trust_remote_code: bool = False


def installed() -> bool:
    return importlib.util.find_spec("lm_eval") is not None


def known_tasks(bench: Bench) -> Any:
    """lm-eval's own table of tasks. Raises UsageError for a task that there is not, or without lm-eval."""
    if not installed():
        raise UsageError("evaluation.no_harness")
    from lm_eval.tasks import TaskManager

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    if bench.folder is not None:  # where these are all, the thousands of others need not be read
        own = TaskManager(include_path=str(bench.folder), include_defaults=False)
        if all(own.match_tasks([task]) for task in bench.tasks):
            return own
    table = TaskManager(include_path=str(bench.folder) if bench.folder else None)
    for task in bench.tasks:
        if not table.match_tasks([task]):
            close = difflib.get_close_matches(task, table.all_tasks, n=3, cutoff=0.5)
            raise UsageError("evaluation.no_task", task=task, known=", ".join(close) or "arc_easy, hellaswag")
    return table


def run(bench: Bench, served: Served, table: Any) -> dict[str, Any]:
    """Scores and rows as lm-eval gives them. Raises DataError where a task's data can't be had."""
    from lm_eval import simple_evaluate

    arguments = {
        "model": served.name,
        "base_url": f"{served.url}/v1/completions",
        "tokenizer": str(served.tokenizer),
        "tokenizer_backend": "huggingface",
        "tokenized_requests": True,
        "num_concurrent": AT_ONCE,
        "max_length": served.context,
        "timeout": REQUEST_SECONDS,
        "trust_remote_code": served.trust_remote_code,
    }
    try:
        found = simple_evaluate(
            model="local-completions",
            model_args=arguments,
            tasks=list(table.match_tasks(list(bench.tasks))),
            task_manager=table,
            limit=bench.limit,
            num_fewshot=bench.shots,
            apply_chat_template=bench.as_chat,
            bootstrap_iters=1000,
            log_samples=True,
            confirm_run_unsafe_code=False,
        )
    except Exception as error:  # of lm-eval, of datasets, of the hub: they raise all kinds
        raise DataError(
            "evaluation.task_failed", reason=f"{type(error).__name__}: {first_line(error)}"
        ) from error
    return dict(found or {})


@dataclass(frozen=True)
class Score:
    """One figure of one task. `error` is its standard error, where lm-eval knows it."""

    task: str
    metric: str
    value: float
    error: float | None
    rows: int | None


def scores(found: dict[str, Any]) -> list[Score]:
    """The figures in lm-eval's document, in its order."""
    counts = found.get("n-samples", {})
    return [
        Score(task, _name(key), float(value), _error(figures, key), counts.get(task, {}).get("effective"))
        for task, figures in found.get("results", {}).items()
        for key, value in figures.items()
        if isinstance(value, (int, float)) and "," in key and "_stderr," not in key
    ]


def _name(key: str) -> str:
    metric, _, chosen = key.partition(",")
    return metric if chosen == "none" else f"{metric} ({chosen})"


def _error(figures: dict[str, Any], key: str) -> float | None:
    metric, _, chosen = key.partition(",")
    value = figures.get(f"{metric}_stderr,{chosen}")
    return float(value) if isinstance(value, (int, float)) else None


def names(words: Sequence[str]) -> tuple[str, ...]:
    """`a,b c` → (a, b, c)."""
    return tuple(name.strip() for word in words for name in word.split(",") if name.strip())
