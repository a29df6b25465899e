"""Weights & Biases. The key is the library's own matter: `wandb login`, or WANDB_API_KEY."""

from __future__ import annotations

from typing import Any

from conch.runs.trackers.tracker import Subject

LIBRARY = "wandb"


class Adapter:
    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, values: dict[str, float], step: int) -> None:
        self._run.log(values, step=step)

    def close(self, well: bool) -> None:
        self._run.finish(exit_code=0 if well else 1)


def start(library: Any, subject: Subject) -> Adapter:
    return Adapter(
        library.init(
            project=subject.project,
            name=subject.name,
            id=subject.id,
            resume="allow",
            config=dict(subject.config),
            dir=str(subject.folder),
        )
    )
