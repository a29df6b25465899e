"""What hubs are called, where they are, and how their repositories are named."""

from __future__ import annotations

import re

HUGGINGFACE = "https://huggingface.co"
HF_MIRROR = "https://hf-mirror.com"


def looks_like_id(reference: str) -> bool:
    """Whether this could be `organisation/name` on a hub."""
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", reference) is not None
