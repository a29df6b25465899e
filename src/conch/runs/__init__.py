"""A run as a folder on disk, which is the single source of truth about it. No torch here."""

from conch.runs.follow import follow, read_events
from conch.runs.run import Progress, Run, State
from conch.runs.store import create, find, list_runs, runs_folder

__all__ = ["Progress", "Run", "State", "create", "find", "follow", "list_runs", "read_events", "runs_folder"]
