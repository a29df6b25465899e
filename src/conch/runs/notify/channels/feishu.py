"""A Feishu (Lark) group robot. The signature is of Feishu's guide to custom bots: the text is the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from conch.runs.notify.message import Message
from conch.runs.notify.post import demand_zero, post
from conch.runs.notify.settings import Settings


def send(settings: Settings, message: Message, seconds: float) -> None:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": message.whole}}
    if settings.get("secret"):
        moment = str(int(time.time()))
        body |= {"timestamp": moment, "sign": signature(str(settings["secret"]), moment)}
    demand_zero(post(str(settings["url"]), body, seconds), "code", "StatusCode")


def signature(secret: str, moment: str) -> str:
    digest = hmac.new(f"{moment}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
