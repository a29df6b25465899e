"""Lists of messages → turns, in the words of ShareGPT, of OpenAI, or of a description's own tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from conch.core.conversation import Message, Role
from conch.data import cells
from conch.data.layout import Tags
from conch.data.rows import Row, json_type
from conch.data.tools import listed_calls, written_calls

Speaker = Literal["system", "user", "assistant", "tool", "call"]
"""A role, or `call`: the assistant, with nothing but calls of tools as JSON."""

_USUAL: dict[str, Speaker] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "bot", "model"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function", "ipython"), "tool"),
    **dict.fromkeys(("function_call", "tool_call"), "call"),
}
"""Words for roles that leave no doubt, whatever the tags say."""


def turns_of(row: Row, column: str, value: Any, tags: Tags) -> tuple[Message, ...]:
    """The turns of a list of messages. Raises RowError, naming the message."""
    messages = cells.unpacked(value)
    if messages is None:
        raise row.error("check.null", column=column)
    if not isinstance(messages, list):
        raise row.error("check.not_messages", column=column, found=json_type(messages))
    if not messages:
        raise row.error("check.empty", column=column)
    speakers = _speakers(tags)
    turns = [turn_of(row, f"{column}[{i}]", message, tags, speakers) for i, message in enumerate(messages)]
    return tuple(turn for turn in turns if turn.role != "system" or turn.content.strip())


def turn_of(
    row: Row, place: str, message: Any, tags: Tags, speakers: Mapping[str, Speaker] | None = None
) -> Message:
    """One message as a turn."""
    if message is None:
        raise row.error("check.null", column=place)
    if not isinstance(message, dict):
        raise row.error("check.not_message", column=place, found=json_type(message))
    speaker = _speaker(row, place, message, tags, speakers or _speakers(tags))
    content = message.get(tags.content_tag)
    place = f"{place}.{tags.content_tag}"
    match speaker:
        case "assistant":
            return _assistant(row, place, message, content)
        case "call":
            thought, calls = written_calls(row, place, content)
            return Message("assistant", cells.whole(row, place, thought), tool_calls=calls)
        case "tool":
            known, name = message.get("tool_call_id"), message.get("name")
            text = _tool_result(row, place, content)
            return Message("tool", text, tool_call_id=_str_or_none(known), name=_str_or_none(name))
        case _:
            role: Role = speaker
            return Message(role, text_of(row, place, content, filled=role == "user"))


def text_of(row: Row, place: str, content: Any, *, filled: bool = True) -> str:
    """The text of a content; OpenAI's list of text parts is joined."""
    if isinstance(content, list):
        content = "".join(_part(row, place, part) for part in content)
    return cells.text(row, place, content, filled=filled)


def _part(row: Row, place: str, part: Any) -> str:
    if not isinstance(part, dict) or part.get("type", "text") != "text":
        raise row.error("check.media", column=place)
    return cells.text(row, place, part.get("text"))


def _speakers(tags: Tags) -> dict[str, Speaker]:
    """Words for roles: the usual ones, with those of the tags on top."""
    return {
        **_USUAL,
        tags.system_tag: "system",
        tags.user_tag: "user",
        tags.assistant_tag: "assistant",
        tags.observation_tag: "tool",
        tags.function_tag: "call",
    }


def _speaker(
    row: Row, place: str, message: Mapping[str, Any], tags: Tags, speakers: Mapping[str, Speaker]
) -> Speaker:
    word = message.get(tags.role_tag)
    if not isinstance(word, str):
        keys = ", ".join(map(str, message)) or "-"
        raise row.error("check.no_role", column=place, tag=tags.role_tag, keys=keys)
    speaker = speakers.get(word) or speakers.get(word.lower())
    if speaker is None:
        known = ", ".join(dict.fromkeys((tags.user_tag, tags.assistant_tag, tags.observation_tag)))
        raise row.error("check.unknown_role", column=place, role=word, known=known)
    return speaker


def _assistant(row: Row, place: str, message: Mapping[str, Any], content: Any) -> Message:
    above = place.rpartition(".")[0]
    calls = listed_calls(row, f"{above}.tool_calls", message.get("tool_calls"))
    if not calls and message.get("function_call"):  # OpenAI's older form, one call
        calls = listed_calls(row, f"{above}.function_call", [message["function_call"]])
    text = text_of(row, place, content, filled=not calls)
    thought = message.get("reasoning_content")
    if isinstance(thought, str) and thought.strip():
        text = f"<think>\n{cells.whole(row, place, thought).strip()}\n</think>\n\n{text}"
    return Message("assistant", text, trained=message.get("weight") != 0, tool_calls=calls)


def _tool_result(row: Row, place: str, content: Any) -> str:
    """What a tool answered: text, or JSON that is written out."""
    if isinstance(content, dict) or (isinstance(content, list) and not _are_parts(content)):
        return json.dumps(content, ensure_ascii=False)
    return text_of(row, place, content, filled=False)


def _are_parts(content: list[Any]) -> bool:
    return bool(content) and all(isinstance(part, dict) and "type" in part for part in content)


def _str_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
