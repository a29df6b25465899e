"""A DingTalk group robot. The signature is of DingTalk's guide to custom robots: the secret is the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from urllib.parse import quote_plus

from conch.runs.notify.message import Message
from conch.runs.notify.post import demand_zero, post
from conch.runs.notify.settings import Settings


def send(settings: Settings, message: Message, seconds: float) -> None:
    url = str(settings["url"])
    if settings.get("secret"):
        moment = str(round(time.time() * 1000))
        sign = quote_plus(signature(str(settings["secret"]), moment))
        url += f"{'&' if '?' in url else '?'}timestamp={moment}&sign={sign}"
    body = {"msgtype": "text", "text": {"content": message.whole}}
    demand_zero(post(url, body, seconds), "errcode")


def signature(secret: str, moment: str) -> str:
    digest = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
