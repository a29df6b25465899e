"""`conch train --from RUN`: a run's settings again, with suggested changes, and what differs shown first."""

from __future__ import annotations

from collections.abc import Sequence

from conch.cli.output import whisper
from conch.config.load import Loaded
from conch.core.errors import UsageError
from conch.core.text import tr
from conch.runs import find
from conch.runs.follow_up import difference, follow_up


def load_follow_up(name: str | None, fixes: Sequence[str], words: Sequence[str]) -> Loaded:
    """The settings of the run called `name`, its suggested `fixes` applied, `words` on top."""
    if name is None:
        raise UsageError("history.apply_from")
    if words and not words[0].startswith("--") and "=" not in words[0]:
        raise UsageError("history.from_and_file", file=words[0])
    run = find(name)
    loaded = follow_up(run, fixes, words)
    whisper(tr("cli.train.from", run=run.id))
    changed = difference(run.flat_config(), loaded.config.to_flat())
    for key, (before, after) in changed.items():
        whisper(tr("cli.train.changed", key=key, before=before, after=after))
    if not changed:
        whisper(tr("cli.train.unchanged"))
    return loaded
