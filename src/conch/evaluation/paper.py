"""What models are asked: prompts of a file, rows of datasets, or the general examination."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from conch.config.compare import RowsConfig
from conch.config.data import DataConfig
from conch.core.conversation import Message
from conch.core.errors import DataError
from conch.core.files import expanded
from conch.data.recipes import read_conversations
from conch.evaluation import general
from conch.evaluation.answering import Question, questions_of

ANSWER_TOKENS = 256
GENERAL = "general"


@dataclass(frozen=True)
class Paper:
    """The questions, and where they are from. `items` are those of the general examination, or none."""

    name: str
    questions: tuple[Question, ...]
    items: tuple[general.Item, ...] = ()

    @property
    def has_answers(self) -> bool:
        """Whether it is known what should be answered."""
        return all(question.wanted for question in self.questions)

    @property
    def answer_tokens(self) -> int:
        return general.ANSWER_TOKENS if self.items else ANSWER_TOKENS


def paper(config: RowsConfig) -> Paper:
    """What `config` names. Raises DataError where there is nothing to ask."""
    most = config.max_samples
    if config.prompts is not None:
        return Paper(config.prompts, tuple(_prompts(expanded(config.prompts))[:most]))
    if not config.dataset:
        return _general(most)
    data = DataConfig(dataset=config.dataset, dataset_dir=config.dataset_dir, max_samples=most)
    asked = questions_of(read_conversations(config.dataset, data))
    names = ", ".join(config.dataset)
    if not asked:
        raise DataError("evaluation.no_rows", names=names)
    return Paper(names, tuple(asked))


def _general(most: int | None) -> Paper:
    """All of it, or a part that is spread over all areas."""
    every = general.items()
    step = len(every) / min(most or len(every), len(every))
    chosen = tuple(every[int(at * step)] for at in range(round(len(every) / step)))
    return Paper(GENERAL, tuple(item.question() for item in chosen), chosen)


def _prompts(file: Path) -> list[Question]:
    """A line each, or a JSON list of texts. Raises DataError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError("evaluation.no_prompts", file=file, reason=reason) from error
    lines = _json_texts(file, text) if file.suffix == ".json" else text.splitlines()
    asked = [Question((Message("user", line.strip()),)) for line in lines if line.strip()]
    if not asked:
        raise DataError("evaluation.empty_prompts", file=file)
    return asked


def _json_texts(file: Path, text: str) -> list[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError("evaluation.no_prompts", file=file, reason=error) from error
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DataError("evaluation.prompts_form", file=file)
    return values
