"""MLflow: the server of MLFLOW_TRACKING_URI, else files in `CONCH_HOME/mlruns`."""

from __future__ import annotations

from typing import Any

from conch.runs.trackers.tracker import Subject

LIBRARY = "mlflow"
AT_ONCE = 100
"""Parameters that a server takes in one request."""
LONGEST = 500
"""Letters of one parameter that every server takes."""


class Adapter:
    def __init__(self, library: Any) -> None:
        self._library = library

    def log(self, values: dict[str, float], step: int) -> None:
        self._library.log_metrics(values, step=step)

    def close(self, well: bool) -> None:
        self._library.end_run("FINISHED" if well else "FAILED")


def start(library: Any, subject: Subject) -> Adapter:
    if not library.is_tracking_uri_set():
        library.set_tracking_uri((subject.home / "mlruns").as_uri())
    library.set_experiment(subject.project)
    library.start_run(run_name=subject.name, tags={"conch.run": subject.id})
    given = [(key, str(value)[:LONGEST]) for key, value in subject.config.items() if value is not None]
    for first in range(0, len(given), AT_ONCE):
        library.log_params(dict(given[first : first + AT_ONCE]))
    return Adapter(library)
