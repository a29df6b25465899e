"""Experiment trackers, each fed from a run's events by a process of its own.

So a tracker can never slow or stop training: at worst its process hangs, and nobody waits for it.

    python -m conch.runs.trackers RUN NAME OFFSET
"""

from conch.runs.trackers.launch import start

__all__ = ["start"]
