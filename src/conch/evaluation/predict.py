"""Answers of a model over a dataset, in batches, with scores.

Prompts and stop rules are those of chat. Every answer is kept as soon as its batch is done, so that
a prediction that was killed goes on where it stood. The files are those that users of
LLaMA-Factory read: `generated_predictions.jsonl`, `predict_results.json`, `all_results.json`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conch.config.train import TrainConfig
from conch.core.errors import DataError, UsageError
from conch.core.files import append_line, expanded, write_whole
from conch.data.prepare import held_out_rows
from conch.data.recipes import read_conversations
from conch.data.template import ChatTemplate
from conch.evaluation.answering import (
    BATCH,
    TOO_LONG,
    Answer,
    Manner,
    Question,
    answer_in_batches,
    questions_of,
)
from conch.evaluation.scores import score
from conch.inference.chat import Chat
from conch.inference.engine import Sampling

ANSWERS = "generated_predictions.jsonl"
RESULTS = "predict_results.json"
ALL = "all_results.json"
STARTED = "predictions_so_far.jsonl"
"""Answers in the order in which they are made; gone when all are there."""

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Prediction:
    """What was written, and the scores."""

    folder: Path
    rows: int
    scores: dict[str, float]
    again: int
    """Rows that an earlier attempt had answered."""


def questions(config: TrainConfig, template: ChatTemplate) -> list[Question]:
    """The last turns of the rows in `eval_dataset`, else of those held back by `val_size`, else in `dataset`.

    Raises DataError where none has one.
    """
    data = config.rows()
    names = data.eval_dataset or data.dataset
    if data.val_size and not data.eval_dataset:
        rows = held_out_rows(data, template, config.optimisation.seed)
    else:
        rows = read_conversations(names, data)
    found = questions_of(rows)
    if not found:
        raise DataError("evaluation.no_rows", names=", ".join(names))
    return found


def predict(
    config: TrainConfig, chat: Chat, sampling: Sampling, about: str, told: Told = lambda done, total: None
) -> Prediction:
    """Answer every row, score, and write the files to `output_dir`.

    `about` names model and adapters: an earlier attempt is gone on with only where it had the same.
    """
    if config.output.output_dir is None:
        raise UsageError("evaluation.no_output")
    folder = expanded(config.output.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    asked = questions(config, chat.template)
    began = time.monotonic()
    manner = Manner(_most(config), config.generation.skip_special_tokens)
    work = _Work(folder / STARTED, chat, sampling, manner, _mark(asked, sampling, f"{about}\n{manner}"))
    kept = work.kept()
    told(len(kept), len(asked))
    answers = dict(kept)
    for done in work.rest(asked, set(kept)):
        answers.update(done)
        told(len(answers), len(asked))
    ordered = [answers[index] for index in range(len(asked))]
    scores = _write(folder, ordered, time.monotonic() - began)
    (folder / STARTED).unlink(missing_ok=True)
    return Prediction(folder, len(ordered), scores, len(kept))


def _most(config: TrainConfig) -> int | None:
    """`max_length` counts only where nobody says how long answers may be, as with transformers."""
    return config.prediction.max_length if config.generation.max_new_tokens is None else None


def _mark(asked: Sequence[Question], sampling: Sampling, about: str) -> str:
    """The same only for the same model, rows and sampling."""
    text = json.dumps([about, asdict(sampling), [repr(question) for question in asked]], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Work:
    """The answers of one prediction, as far as they are there."""

    file: Path
    chat: Chat
    sampling: Sampling
    manner: Manner
    mark: str

    def kept(self) -> dict[int, Answer]:
        """What an earlier attempt at the same left; the file is begun anew where there is nothing of use."""
        try:
            first, *lines = self.file.read_text(encoding="utf-8").split("\n")
            if json.loads(first)["mark"] != self.mark:
                raise ValueError("another prediction")
        except (OSError, ValueError, KeyError, TypeError):
            write_whole(self.file, json.dumps({"mark": self.mark}) + "\n")
            return {}
        found: dict[int, Answer] = {}
        for line in lines:
            try:
                entry = json.loads(line)
                row = entry.pop("row")
                found[row] = Answer(**entry)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # a line that the kill cut off
        return found

    def rest(self, asked: Sequence[Question], done: set[int]) -> Iterator[dict[int, Answer]]:
        """Answers to all others, kept as soon as their batch is done."""
        left = {index: question for index, question in enumerate(asked) if index not in done}
        for made in answer_in_batches(self.chat, left, self.sampling, self.manner):
            lines = (
                json.dumps({"row": row, **asdict(answer)}, ensure_ascii=False) for row, answer in made.items()
            )
            append_line(self.file, ("\n".join(lines) + "\n").encode())
            yield made


def _write(folder: Path, answers: Sequence[Answer], seconds: float) -> dict[str, float]:
    lines = [
        json.dumps({"prompt": a.prompt, "predict": a.predict, "label": a.label}, ensure_ascii=False)
        for a in answers
    ]
    scores = score([a.predict for a in answers], [a.label for a in answers])
    tokens = sum(a.tokens for a in answers)
    results = {f"predict_{name}": value for name, value in scores.items()} | {
        "predict_samples": len(answers),
        "predict_too_long": sum(a.finish == TOO_LONG for a in answers),
        "predict_cut_off": sum(a.finish == "length" for a in answers),
        "predict_tokens": tokens,
        "predict_runtime": round(seconds, 4),
        "predict_samples_per_second": round(len(answers) / max(seconds, 1e-9), 4),
        "predict_steps_per_second": round(-(-len(answers) // BATCH) / max(seconds, 1e-9), 4),
    }
    write_whole(folder / ANSWERS, "\n".join(lines) + "\n")
    write_whole(folder / RESULTS, _pretty(results))
    write_whole(folder / ALL, _pretty({**_earlier(folder / ALL), **results}))
    return results


def _pretty(values: dict[str, Any]) -> str:
    return json.dumps(dict(sorted(values.items())), ensure_ascii=False, indent=4) + "\n"


def _earlier(file: Path) -> dict[str, Any]:
    """What training or evaluation left there."""
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
