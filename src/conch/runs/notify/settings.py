"""`CONCH_HOME/notify.yaml`: who can be told, and how. Secrets stand there and nowhere else.

phone:
  kind: dingtalk            # webhook, feishu, dingtalk, wecom or mail
  url: https://oapi.dingtalk.com/robot/send?access_token=…
  secret: SEC…              # where the robot asks for a signature (DingTalk, Feishu)
office:
  kind: mail
  host: smtp.example.com
  port: 465
  security: ssl             # ssl, starttls or none
  user: me@example.com
  password: …
  to: me@example.com, you@example.com
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conch.core import env
from conch.core.errors import UsageError

Settings = Mapping[str, Any]

HOSTS = {
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
    "oapi.dingtalk.com": "dingtalk",
    "qyapi.weixin.qq.com": "wecom",
}
"""Hosts whose addresses are known; any other is a plain webhook."""
NEEDED = {
    "webhook": ("url",),
    "feishu": ("url",),
    "dingtalk": ("url",),
    "wecom": ("url",),
    "mail": ("host", "to"),
}
"""The kinds, and what each can't do without."""


def settings_file() -> Path:
    return env.home() / "notify.yaml"


def is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def resolve(names: Sequence[str]) -> dict[str, Settings]:
    """The settings of each name, or of an address as it is. Raises UsageError for what can't be used."""
    kept = _read() if any(not is_url(name) for name in names) else {}
    return {_label(name): _of_url(name) if is_url(name) else _entry(name, kept) for name in names}


def keep(names: Sequence[str]) -> tuple[str, ...]:
    """The same with each address kept in the settings file under a name, since addresses hold tokens."""
    fresh = {_label(name): _of_url(name) for name in names if is_url(name)}
    if fresh:
        _write({**_read(), **fresh})
    return tuple(map(_label, names))


def _label(name: str) -> str:
    """A name for an address that gives nothing away but its host."""
    if not is_url(name):
        return name
    return f"{urlsplit(name).hostname}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _of_url(url: str) -> dict[str, Any]:
    return {"kind": HOSTS.get(urlsplit(url).hostname or "", "webhook"), "url": url}


def _entry(name: str, kept: dict[str, Any]) -> Settings:
    entry = kept.get(name)
    if not isinstance(entry, dict):
        raise UsageError("notify.unknown", name=name, file=settings_file())
    kind = entry.get("kind") or HOSTS.get(urlsplit(str(entry.get("url"))).hostname or "", "webhook")
    if kind not in NEEDED:
        raise UsageError("notify.unknown_kind", name=name, kind=kind, file=settings_file())
    missing = [key for key in NEEDED[kind] if not entry.get(key)]
    if missing:
        raise UsageError("notify.incomplete", name=name, missing=", ".join(missing), file=settings_file())
    return {**entry, "kind": kind}


def _read() -> dict[str, Any]:
    import yaml

    try:
        text = settings_file().read_text(encoding="utf-8-sig")
        loaded = yaml.safe_load(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = (
            getattr(error, "problem", None) or type(error).__name__
        )  # no line of the file: it may be a secret
        raise UsageError("notify.unreadable", file=settings_file(), reason=reason) from error
    return loaded if isinstance(loaded, dict) else {}


def _write(entries: dict[str, Any]) -> None:
    """Only the user may read the file, from its first byte on."""
    import yaml

    file = settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        yaml.safe_dump(entries, opened, allow_unicode=True, sort_keys=False)
    draft.replace(file)
