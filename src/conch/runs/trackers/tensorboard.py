"""TensorBoard: event files in `RUN/trackers/tensorboard`. `tensorboard --logdir RUNS` shows all runs."""

from __future__ import annotations

from typing import Any

from conch.runs.trackers.tracker import Subject

LIBRARY = "tensorboard.summary"


class Adapter:
    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def log(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, well: bool) -> None:
        self._writer.close()


def start(library: Any, subject: Subject) -> Adapter:
    return Adapter(library.Writer(library.DirectoryOutput(str(subject.folder))))
