"""Telling people that a run has ended. Whoever is told is named in `CONCH_HOME/notify.yaml`."""

from conch.runs.notify.message import Message, message_of
from conch.runs.notify.sending import notify
from conch.runs.notify.settings import keep, resolve
from conch.runs.notify.telling import tell

__all__ = ["Message", "keep", "message_of", "notify", "resolve", "tell"]
