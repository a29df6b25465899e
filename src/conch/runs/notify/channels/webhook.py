"""Any address that takes JSON: the facts of the run, with title and text."""

from __future__ import annotations

from conch.runs.notify.message import Message
from conch.runs.notify.post import post
from conch.runs.notify.settings import Settings


def send(settings: Settings, message: Message, seconds: float) -> None:
    post(str(settings["url"]), {"title": message.title, "text": message.text, **message.facts}, seconds)
