"""Mail by SMTP: over TLS (`ssl`, the default), turned to TLS (`starttls`), or plain (`none`)."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from conch.runs.notify.message import Message
from conch.runs.notify.settings import Settings

PORTS = {"ssl": 465, "starttls": 587, "none": 25}


def send(settings: Settings, message: Message, seconds: float) -> None:
    security = str(settings.get("security", "ssl"))
    port = int(settings.get("port") or PORTS[security])
    host = str(settings["host"])
    with _connect(host, port, security, seconds) as server:
        if settings.get("user"):
            server.login(str(settings["user"]), str(settings.get("password", "")))
        server.send_message(_mail(settings, message))


def _connect(host: str, port: int, security: str, seconds: float) -> smtplib.SMTP:
    if security == "ssl":
        return smtplib.SMTP_SSL(host, port, timeout=seconds, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=seconds)
    if security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def _mail(settings: Settings, message: Message) -> EmailMessage:
    to = settings["to"]
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["To"] = ", ".join(map(str, to)) if isinstance(to, list) else str(to)
    mail["From"] = str(settings.get("from") or settings.get("user") or "conch@localhost")
    mail.set_content(message.text)
    return mail
