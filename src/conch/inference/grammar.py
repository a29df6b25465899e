"""What an answer must be written in: JSON of a schema, or any JSON object.

A grammar is text in llguidance's form of Lark, which our engines read alike. Nothing of it is
a client's own: clients give JSON Schema, which is checked here before any engine sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from llguidance import LLMatcher

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
WHITESPACE = r"[ \n]{0,12}"
"""Between the parts of a document. Bounded, as a model may like nothing better than blank lines."""


class Fault(NamedTuple):
    """Why a schema can't be honoured."""

    reason: str


def json_grammar(schema: Mapping[str, Any]) -> str:
    """The grammar of a JSON document that fits `schema`."""
    given = {**schema, "x-guidance": {"whitespace_pattern": WHITESPACE}}
    return f"start: %json {json.dumps(given, ensure_ascii=False)}"


@lru_cache(maxsize=256)
def fault_of(grammar: str) -> Fault | None:
    """What is wrong with a grammar; None for a sound one."""
    reason = LLMatcher.validate_grammar(grammar)
    return Fault(reason.splitlines()[0][:300]) if reason else None
