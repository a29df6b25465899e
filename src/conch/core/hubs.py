"""What hubs are called, where they are, and how their repositories are named.

Models and datasets come from the same hubs: which ones a setting means, and who is sent the user's
token, is said here for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal

from conch.core import env

Kind = Literal["huggingface", "modelscope"]
HUGGINGFACE = "https://huggingface.co"
HF_MIRROR = "https://hf-mirror.com"
SHORT: Mapping[Kind, str] = {"huggingface": "hf", "modelscope": "ms"}
"""What a kind of hub is called where people write of a repository: `hf://…`, `hf_hub_url`."""
NAMES = ("huggingface", "hf-mirror", "modelscope")
"""The hubs with names of their own, in the order in which `auto` asks them."""
MODELSCOPE_CLIENT = "modelscope_hub"
"""The part of the library `modelscope` (optional) that speaks to the hub."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be others in a moment."""


@dataclass(frozen=True)
class Tokens:
    """The user's access tokens by hub. None is whatever the hub's own client library knows."""

    huggingface: str | None = field(default=None, repr=False)
    modelscope: str | None = field(default=None, repr=False)


NO_TOKENS = Tokens()


@dataclass(frozen=True)
class Hub:
    """A hub, or a mirror of one. `trusted` is whether it is sent the user's token."""

    name: str
    kind: Kind
    endpoint: str
    trusted: bool = True


def looks_like_id(reference: str) -> bool:
    """Whether this could be `organisation/name` on a hub."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", reference) is not None


def is_setting(setting: str) -> bool:
    """Whether every part of `setting` means a hub."""
    known = ("auto", *NAMES)
    return all(part in known or re.fullmatch(r"https?://[^\s/]\S*", part) for part in _parts(setting))


def expand(setting: str) -> list[Hub]:
    """The hubs that `setting` means, in its order: `auto`, names and URLs, with commas between."""
    return [hub for part in _parts(setting) for hub in (_auto() if part == "auto" else [_named(part)])]


def usual(kind: Kind) -> list[Hub]:
    """The hubs of a kind that are asked where the user named none of that kind."""
    return [_named(kind)] if kind == "modelscope" else [hub for hub in _auto() if hub.kind == kind]


def modelscope_is_installed() -> bool:
    return find_spec(MODELSCOPE_CLIENT) is not None


def _parts(setting: str) -> list[str]:
    return [part.strip() for part in setting.split(",")]


def _auto() -> list[Hub]:
    """HF_ENDPOINT, where set, is the user's word on the matter. Nobody named the mirror: it gets no token."""
    endpoint = env.hub_endpoint()
    if endpoint is not None:
        return [_named(endpoint)]
    names = [name for name in NAMES if name != "modelscope" or modelscope_is_installed()]
    return [_named(name, trusted=name != "hf-mirror") for name in names]


def _named(part: str, *, trusted: bool = True) -> Hub:
    """The hub of a name or a URL. Whom the user named gets the token."""
    if part == "modelscope":
        return Hub(part, "modelscope", env.modelscope_endpoint())
    url = {"huggingface": HUGGINGFACE, "hf-mirror": HF_MIRROR}.get(part)
    return Hub(part.rstrip("/"), "huggingface", url or part.rstrip("/"), trusted)
