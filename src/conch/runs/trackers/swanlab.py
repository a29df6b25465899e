"""SwanLab. The key is the library's own matter: `swanlab login`, or SWANLAB_API_KEY."""

from __future__ import annotations

from typing import Any

from conch.runs.trackers.tracker import Subject

LIBRARY = "swanlab"


class Adapter:
    def __init__(self, library: Any) -> None:
        self._library = library

    def log(self, values: dict[str, float], step: int) -> None:
        self._library.log(values, step=step)

    def close(self, well: bool) -> None:
        self._library.finish() if well else self._library.finish("crashed")


def start(library: Any, subject: Subject) -> Adapter:
    settings = subject.settings
    library.init(
        project=settings.swanlab_project or subject.project,
        workspace=settings.swanlab_workspace,
        experiment_name=settings.swanlab_run_name or subject.name,
        config=dict(subject.config),
        mode=settings.swanlab_mode,
        logdir=settings.swanlab_logdir or str(subject.folder),
    )
    return Adapter(library)
