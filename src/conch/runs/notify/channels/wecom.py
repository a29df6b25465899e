"""A WeCom (WeChat Work) group robot."""

from __future__ import annotations

from conch.runs.notify.message import Message
from conch.runs.notify.post import demand_zero, post
from conch.runs.notify.settings import Settings


def send(settings: Settings, message: Message, seconds: float) -> None:
    body = {"msgtype": "text", "text": {"content": message.whole}}
    demand_zero(post(str(settings["url"]), body, seconds), "errcode")
