"""One model by itself: the loss of each row of a dataset, or the general examination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conch.config.compare import ReadingConfig, RowsConfig
from conch.config.output import GenerationConfig
from conch.evaluation.answering import answer_in_batches
from conch.evaluation.losses import RowLoss, losses, whole
from conch.evaluation.opening import Notify, opened
from conch.evaluation.paper import paper

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Losses:
    """The loss of each row, in the order of the dataset, and of all its tokens together."""

    name: str
    prompts: tuple[str, ...]
    rows: tuple[RowLoss, ...]

    @property
    def whole(self) -> RowLoss:
        return whole(self.rows)

    def to_dict(self) -> dict[str, Any]:
        rows = [
            {"row": at, "prompt": prompt, **row.to_dict()}
            for at, (prompt, row) in enumerate(zip(self.prompts, self.rows, strict=True), 1)
        ]
        return {"dataset": self.name, **self.whole.to_dict(), "rows": rows}


def measure_losses(
    model: str,
    rows: RowsConfig,
    reading: ReadingConfig,
    told: Told = lambda done, of: None,
    notify: Notify = lambda _: None,
) -> Losses:
    """The loss of every wanted answer under `model`. Raises ConchError."""
    asked = paper(rows)
    with opened(reading.model(model), reading, GenerationConfig(), notify) as found:
        each = losses(found.chat, asked.questions, told)
    return Losses(asked.name, tuple(question.asked for question in asked.questions), tuple(each))


@dataclass(frozen=True)
class Examined:
    """Answers to the general examination: (area, question, answer, right)."""

    rows: tuple[tuple[str, str, str, bool], ...]

    def by_area(self) -> dict[str, tuple[int, int]]:
        """Right answers and questions of each area."""
        found: dict[str, tuple[int, int]] = {}
        for area, _, _, right in self.rows:
            before, count = found.get(area, (0, 0))
            found[area] = before + right, count + 1
        return found

    def to_dict(self) -> dict[str, Any]:
        areas = {
            name: {"right": right, "questions": count} for name, (right, count) in self.by_area().items()
        }
        rows = [
            {"area": area, "prompt": asked, "answer": answer, "right": right}
            for area, asked, answer, right in self.rows
        ]
        right = sum(right for *_, right in self.rows)
        return {"right": right, "questions": len(self.rows), "areas": areas, "rows": rows}


def examine(
    model: str,
    reading: ReadingConfig,
    most: int | None = None,
    told: Told = lambda done, of: None,
    notify: Notify = lambda _: None,
) -> Examined:
    """Ask `model` the general examination, or `most` questions of it. Raises ConchError."""
    asked = paper(RowsConfig(max_samples=most))
    tokens = reading.max_new_tokens or asked.answer_tokens
    with opened(
        reading.model(model), reading, GenerationConfig(max_new_tokens=tokens, do_sample=False), notify
    ) as found:
        answers: dict[int, str] = {}
        for made in answer_in_batches(found.chat, dict(enumerate(asked.questions)), found.sampling):
            answers.update({at: answer.predict for at, answer in made.items()})
            told(len(answers), len(asked.questions))
    return Examined(
        tuple(
            (item.area, item.ask, answers[at], item.holds(answers[at])) for at, item in enumerate(asked.items)
        )
    )
