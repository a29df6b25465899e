"""pydantic's findings in the reader's language: what a value should have been.

For whoever checks what came from outside: config files here, requests in the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conch.core.text import tr

_SIMPLE = {
    "bool_parsing": "bool",
    "bool_type": "bool",
    "dict_type": "mapping",
    "finite_number": "number",
    "float_parsing": "number",
    "float_type": "number",
    "int_from_float": "int",
    "int_parsing": "int",
    "int_type": "int",
    "list_type": "list",
    "missing": "given",
    "number_wanted": "number",
    "size_wanted": "size",
    "string_too_short": "given",
    "string_type": "text",
    "tuple_type": "list",
}
_BOUNDS = {
    "greater_than": "gt",
    "greater_than_equal": "ge",
    "less_than": "lt",
    "less_than_equal": "le",
}


def expected(kind: str, context: Mapping[str, Any]) -> str:
    """What would have been right, by the type and the context of one of pydantic's errors."""
    if kind in _BOUNDS:
        bound = context[_BOUNDS[kind]]
        shown = bound if isinstance(bound, int) else f"{bound:g}"
        return tr(f"config.expect.{_BOUNDS[kind]}", bound=shown)
    if kind == "literal_error":
        return tr("config.expect.choice", choices=", ".join(choices(context)))
    return tr(f"config.expect.{_SIMPLE.get(kind, 'valid')}")


def choices(context: Mapping[str, Any]) -> list[str]:
    """The values that a `literal_error` would have allowed."""
    return [word.strip(" '") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
