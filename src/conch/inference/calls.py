"""How a model writes calls of functions, found by having its template write one.

Known are templates that write a call as one JSON object with the function's name and its
arguments, whatever stands around it. Others (XML, Python) are not read: such models get no tools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conch.core.conversation import Message, ToolCall
from conch.core.errors import DataError
from conch.data.template import ChatTemplate
from conch.inference.grammar import WHITESPACE

_NAME, _KEY, _VALUE = "conch_probe_call", "conch_probe_key", "conch_probe_value"
_PROBE = {
    "type": "function",
    "function": {
        "name": _NAME,
        "description": "?",
        "parameters": {"type": "object", "properties": {_KEY: {"type": "string"}}},
    },
}


@dataclass(frozen=True)
class CallWriting:
    """What stands before and behind a call, and what its object calls name and arguments.

    `special` says that the opening holds a special token, which text alone would not show.
    """

    opening: str
    closing: str
    name_key: str
    arguments_key: str
    special: bool = False

    def schema(self, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The JSON Schema of a call of one of `tools`."""
        calls = [self._call_schema(tool["function"]) for tool in tools]
        return calls[0] if len(calls) == 1 else {"anyOf": calls}

    def _call_schema(self, function: Mapping[str, Any]) -> dict[str, Any]:
        parameters = function.get("parameters") or {"type": "object"}
        return {
            "type": "object",
            "properties": {self.name_key: {"const": function["name"]}, self.arguments_key: parameters},
            "required": [self.name_key, self.arguments_key],
            "additionalProperties": False,
        }

    def grammar(self, tools: Sequence[Mapping[str, Any]]) -> str:
        """Of text that may hold calls, each of which fits one of `tools`."""
        schema = {**self.schema(tools), "x-guidance": {"whitespace_pattern": WHITESPACE}}
        trigger = json.dumps(self.opening.strip(), ensure_ascii=False)
        behind = json.dumps(self.closing.strip(), ensure_ascii=False) if self.closing.strip() else ""
        return (
            "%llguidance {}\n"
            "start: call* TEXT\n"
            f"head[lazy]: TEXT {trigger}\n"
            f"call: head GAP %json {json.dumps(schema, ensure_ascii=False)} GAP {behind}\n"
            "TEXT: /(.|\\n)*/\n"
            "GAP: /[ \\n]{0,4}/\n"
        )


def writing_of(template: ChatTemplate) -> CallWriting | None:
    """How calls are written in `template`; None where they aren't, or in a form that is not known here."""
    call = Message("assistant", "", tool_calls=(ToolCall(_NAME, {_KEY: _VALUE}, "call00000"),))
    try:
        _, written = template.turn([Message("user", "?")], call, tools=[_PROBE])
    except DataError:
        return None
    for place in (place for place, letter in enumerate(written) if letter == "{"):
        found = _object_at(written, place)
        if found is not None:
            name_key, arguments_key, end = found
            opening = written[:place]
            special = any(token in opening for token in _special_texts(template))
            return CallWriting(opening, written[end:], name_key, arguments_key, special)
    return None


def _object_at(text: str, place: int) -> tuple[str, str, int] | None:
    """The keys of the probe's name and arguments, and where its object ends."""
    try:
        document, end = json.JSONDecoder().raw_decode(text, place)
    except ValueError:
        return None
    keys = {json.dumps(value): key for key, value in document.items()}
    name = keys.get(json.dumps(_NAME))
    arguments = keys.get(json.dumps({_KEY: _VALUE}))
    return (name, arguments, end) if name and arguments else None


def _special_texts(template: ChatTemplate) -> list[str]:
    tokenizer = template.tokenizer
    return [str(tokenizer.convert_ids_to_tokens(token)) for token in tokenizer.all_special_ids]
