"""Which server gets a request: the one that has read its beginning before, unless it is clearly busier.

Rendezvous hashing (Thaler and Ravishankar 1998) with a bound on load: each beginning ranks all servers
in an order of its own, and goes to the first that is not too busy. A server that comes or goes
moves only the beginnings for which it is the first, and nothing needs to be remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from conch.server.fleet.upstream import Upstream

SLACK = 2
"""Requests that a server may have in hand beyond the least busy one's, before others take over."""
SHARE = 1.25
"""The same as a share, for servers with many in hand."""
LETTERS = 1024
TOKENS = 256
"""How much of a plain prompt is looked at."""


def choose(upstreams: Sequence[Upstream], beginning: str | None) -> Upstream | None:
    """One of `upstreams`; None of none. Without a beginning, the least busy."""
    if not upstreams:
        return None
    least = min(upstream.in_hand for upstream in upstreams)
    if beginning is None:
        return next(upstream for upstream in upstreams if upstream.in_hand == least)
    bound = max(least + SLACK, least * SHARE)
    free = [upstream for upstream in upstreams if upstream.in_hand < bound]
    return max(free, key=lambda upstream: _rank(upstream.url, beginning))


def _rank(url: str, beginning: str) -> bytes:
    return hashlib.blake2b(f"{url}\n{beginning}".encode("utf-8", "replace"), digest_size=8).digest()


def beginning_of(asked: Mapping[str, Any]) -> str | None:
    """What all requests of one conversation begin with; None where it can't be told.

    That is the messages up to the first of the user: later turns only add to them.
    """
    given = asked.get("prompt_cache_key")
    if isinstance(given, str) and given:
        return given
    told: str | list[Any]
    messages, prompt = asked.get("messages"), asked.get("prompt")
    if isinstance(messages, list) and messages:
        told = _until_first_turn(messages)
    elif isinstance(prompt, str):
        told = prompt[:LETTERS]
    elif isinstance(prompt, list) and prompt:
        told = prompt[0][:LETTERS] if isinstance(prompt[0], str) else prompt[:TOKENS]
    else:
        return None
    return json.dumps([asked.get("model"), told], sort_keys=True) if told else None


def _until_first_turn(messages: Sequence[Any]) -> list[Any]:
    told: list[Any] = []
    for message in messages:
        told.append(message)
        if not (isinstance(message, dict) and message.get("role") in {"system", "developer"}):
            break
    return told
