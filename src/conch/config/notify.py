"""Whom to tell when a run has ended, and what to do then."""

from __future__ import annotations

from conch.config.types import Names, Node, Str


class NotifyConfig(Node):
    notify: Names = ()
    after_command: Str | None = None
