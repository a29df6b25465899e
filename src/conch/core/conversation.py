"""The one middle form between many dataset formats, many templates and many APIs.

It holds what was said and by whom. How that becomes text is the template's business
(`conch.data.template`), which tokens are trained is the method's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class ToolCall:
    """A function that the assistant wants called. `arguments` is the parsed JSON object."""

    name: str
    arguments: Mapping[str, Any]
    id: str | None = None

    def to_template(self) -> dict[str, Any]:
        call = {"type": "function", "function": {"name": self.name, "arguments": dict(self.arguments)}}
        return call if self.id is None else {"id": self.id, **call}


@dataclass(frozen=True)
class Message:
    """One turn. `trained` is false for assistant turns that are context only.

    A tool's result is a turn of role `tool`; `tool_call_id` names the call that it answers.
    """

    role: Role
    content: str
    trained: bool = True
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None

    def to_template(self) -> dict[str, Any]:
        """The form that a model's Jinja chat template reads."""
        turn: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            turn["tool_calls"] = [call.to_template() for call in self.tool_calls]
        if self.tool_call_id is not None:
            turn["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            turn["name"] = self.name
        return turn


@dataclass(frozen=True)
class Origin:
    """Where a conversation came from, so that a complaint about it can name the place."""

    file: str
    row: int
    """Counted from 1, as a person does."""


@dataclass(frozen=True)
class Conversation:
    """What a person and a model said to each other, in order."""

    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    origin: Origin | None = None

    @staticmethod
    def of(*turns: tuple[Role, str]) -> Conversation:
        return Conversation(tuple(Message(role, content) for role, content in turns))


@dataclass(frozen=True)
class Preference:
    """Two answers to the same prompt, of which a person liked the first better."""

    prompt: Conversation
    chosen: Message
    rejected: Message
    origin: Origin | None = None


@dataclass(frozen=True)
class Feedback:
    """One answer to a prompt, and whether a person liked it (the data of KTO)."""

    prompt: Conversation
    answer: Message
    liked: bool
    origin: Origin | None = None


@dataclass(frozen=True)
class Document:
    """Plain text to go on from, for pre-training."""

    text: str
    origin: Origin | None = None
