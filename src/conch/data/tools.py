"""Tools as datasets write them → the form that chat templates read, and calls of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from conch.core.conversation import ToolCall
from conch.data import cells
from conch.data.rows import Row

_THOUGHT = re.compile(r"\s*(<think>.*?</think>)\s*", re.DOTALL)


def tools_of(row: Row, column: str | None) -> tuple[Mapping[str, Any], ...]:
    """The tools that a row offers: a list of JSON Schema functions, or the same as JSON text."""
    value = row.values.get(column) if column else None
    if column is None or value is None or value == "":
        return ()
    found = _parsed(value)
    listed = found if isinstance(found, list) else [found]
    return tuple(_tool(row, column, tool) for tool in listed)


def _tool(row: Row, column: str, tool: Any) -> Mapping[str, Any]:
    """One tool as `{"type": "function", "function": …}`, the form that templates read."""
    tool = _parsed(tool)
    inner = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise row.error("check.tools", column=column)
    return {"type": "function", "function": inner}


def written_calls(row: Row, place: str, content: Any) -> tuple[str, tuple[ToolCall, ...]]:
    """What a turn of the role `function_call` holds: perhaps a thought, then calls as JSON."""
    thought = _THOUGHT.match(content) if isinstance(content, str) else None
    rest = content[thought.end() :] if thought else content
    value = _parsed(rest)
    if not isinstance(value, (dict, list)) or not value:
        raise row.error("check.tool_json", column=place)
    listed = value if isinstance(value, list) else [value]
    calls = tuple(_call(row, place, call) for call in listed)
    return (thought[1] if thought else ""), calls


def listed_calls(row: Row, place: str, value: Any) -> tuple[ToolCall, ...]:
    """OpenAI's `tool_calls` of an assistant's turn."""
    if value is None or value == "":
        return ()
    listed = _parsed(value)
    if not isinstance(listed, list):
        raise row.error("check.tool_json", column=place)
    return tuple(_call(row, place, call) for call in listed)


def _call(row: Row, place: str, call: Any) -> ToolCall:
    inner = call.get("function", call) if isinstance(call, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(inner, dict) or not isinstance(name, str) or not name:
        raise row.error("check.tool_json", column=place)
    given = inner.get("arguments", inner.get("parameters"))
    arguments = _parsed(given) if given not in (None, "") else {}
    if not isinstance(arguments, dict):
        raise row.error("check.tool_json", column=place)
    known = call.get("id")
    return ToolCall(cells.whole(row, place, name), arguments, known if isinstance(known, str) else None)


def _parsed(value: Any) -> Any:
    """JSON text as what it says; None where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
