"""JSON by HTTP POST, with the standard library: a worker needs no client of its own."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import Request, urlopen

LONGEST = 100_000
"""Bytes of an answer that are read."""


class RefusedError(Exception):
    """The other side took the request and would not do it."""


def post(url: str, body: dict[str, Any], seconds: float) -> Any:
    """Send `body` and return the answer's JSON, None where it is none. Raises OSError or ValueError."""
    data = json.dumps(body, ensure_ascii=False, default=str).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "conch"}
    with urlopen(Request(url, data, headers), timeout=seconds) as answer:
        text = answer.read(LONGEST)
    try:
        return json.loads(text)
    except ValueError:
        return None


def demand_zero(answer: Any, *keys: str) -> None:
    """Raise where a robot's answer holds an error code. They answer 200 to everything."""
    codes = [answer[key] for key in keys if isinstance(answer, dict) and key in answer]
    if not codes or any(codes):
        told = answer.get("errmsg") or answer.get("msg") if isinstance(answer, dict) else None
        raise RefusedError(f"{codes[0] if codes else '-'}: {told or '-'}")
