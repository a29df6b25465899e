"""A run's config again with some changes: the next try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conch.core.errors import RunError
from conch.runs.run import Run

if TYPE_CHECKING:
    from conch.config.load import Loaded

OWN = {
    "output_dir": "null",
    "overwrite_output_dir": "false",
    "resume_from_checkpoint": "null",
    "run_name": "null",
}
"""What belongs to one run and not to the next."""

ANY = "fix"
"""Stands for whatever the diagnosis suggests first."""


def follow_up(run: Run, fixes: Sequence[str] = (), words: Iterable[str] = ()) -> Loaded:
    """The config of `run` with the changes of the findings named in `fixes`, and then `words`, on top.

    `fix` stands for the surest of them. Raises RunError where the run's diagnosis has no such finding with
    a change.
    """
    from conch.config.load import load_train  # a run is looked at without the schema

    own = [f"{key}={value}" for key, value in OWN.items()]
    return load_train(run.config_path, [*own, *_changes(run, fixes), *words])


def _changes(run: Run, fixes: Sequence[str]) -> list[str]:
    from conch.runs.diagnosis import diagnose

    known = {finding.key: finding.change for finding in diagnose(run) if finding.change} if fixes else {}
    words = []
    for key in [next(iter(known), key) if key == ANY else key for key in fixes]:
        if key not in known:
            raise RunError("history.no_fix", name=run.id, key=key, known=", ".join(known) or "-")
        words += [f"{name}={_word(value)}" for name, value in known[key].items()]
    return words


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The keys whose values differ, what names and places the run itself aside."""
    keys = [key for key in {**before, **after} if key not in OWN]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}
