"""The one middle form between many dataset formats, many templates and many APIs.

It holds what was said and by whom. How that becomes text is the template's business
(`conch.data.template`), which tokens are trained is the method's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class Message:
    """One turn. `trained` is false for assistant turns that are context only."""

    role: Role
    content: str
    trained: bool = True

    def to_template(self) -> dict[str, str]:
        """The form that a model's Jinja chat template reads."""
        return {"role": self.role, "content": self.content}


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
    origin: Origin | None = field(default=None)
