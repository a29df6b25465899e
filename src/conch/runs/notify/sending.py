"""Telling everybody at once, for a bounded time. What fails is told to the run's own log, without secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from conch.core.errors import ConchError
from conch.runs.notify.message import Message
from conch.runs.notify.settings import Settings, resolve

PATIENCE = 20.0
"""Seconds that all of it may take."""
SECRETS = ("url", "secret", "password", "user")


def notify(names: Sequence[str], message: Message, patience: float = PATIENCE) -> dict[str, str]:
    """Send `message` to all `names`; returns what went wrong, by name. Never raises."""
    try:
        channels = resolve(names)
    except ConchError as error:
        return {", ".join(names): error.message}
    failed: dict[str, str] = {}
    threads = {
        name: threading.Thread(target=_send, args=(name, settings, message, patience, failed), daemon=True)
        for name, settings in channels.items()
    }
    for thread in threads.values():
        thread.start()
    deadline = time.monotonic() + patience
    for name, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            failed[name] = f"{patience:.0f} s"
    return dict(failed)


def _send(name: str, settings: Settings, message: Message, patience: float, failed: dict[str, str]) -> None:
    try:
        channel = import_module(f"conch.runs.notify.channels.{settings['kind']}")
        channel.send(settings, message, patience / 2)
    except Exception as error:  # whatever it was, a run's end must not hang on it
        failed[name] = _without_secrets(f"{type(error).__name__}: {error}", settings)


def _without_secrets(text: str, settings: dict[str, Any] | Settings) -> str:
    for key in SECRETS:
        if settings.get(key):
            text = text.replace(str(settings[key]), "…")
    return text.splitlines()[0][:300] if text else text
