"""Go templates, as far as Modelfiles of ours use them, filled as Ollama fills them.

A Modelfile's template is kept only where it makes the prompts that the model's own template makes, so it
must be read here. Known are `if`, `range`, variables, and the functions in `FUNCTIONS`; anything else
is an error, not a guess. See https://pkg.go.dev/text/template for what they mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conch.core.conversation import Message
from conch.data.thoughts import CLOSE, OPEN, split_thought

Dumps = Callable[[Any], str]
_ACTION = re.compile(r'{{((?:"(?:\\.|[^"\\])*"|[^"])*?)}}', re.DOTALL)
_WORD = re.compile(r'"(?:\\.|[^"\\])*"|\(|\)|:=|[^\s()"]+')


def compact(value: Any) -> str:
    """JSON as Go writes it: without spaces, and with what HTML would take amiss as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def values_of(
    messages: Sequence[Message], tools: Sequence[Any] = (), thinking: bool | None = None
) -> dict[str, Any]:
    """What Ollama gives to a template; `thinking` is what a request's `think` says."""
    return {
        "System": "\n\n".join(message.content for message in messages if message.role == "system"),
        "Messages": [_message(message) for message in messages],
        "Tools": list(tools),
        "IsThinkSet": thinking is not None,
        "Think": bool(thinking),
    }


def _message(message: Message) -> dict[str, Any]:
    thought, said = split_thought(message.content) if message.role == "assistant" else ("", message.content)
    calls = [
        {"Function": {"Name": call.name, "Arguments": dict(call.arguments)}} for call in message.tool_calls
    ]
    inner = thought.replace(OPEN, "").replace(CLOSE, "").strip()
    return {"Role": message.role, "Content": said, "Thinking": inner, "ToolCalls": calls}


def fill(template: str, values: Mapping[str, Any], dumps: Dumps = compact) -> str:
    """The text that `template` makes of `values`. Raises ValueError for what is not known here."""
    nodes = _parse(iter(_pieces(template)), ())[0]
    return "".join(_Filling({"$": values}, dumps).run(nodes, values))


@dataclass(frozen=True)
class _Action:
    words: tuple[str, ...]


@dataclass(frozen=True)
class _Block:
    """`if` or `range` with its condition, what it holds, and what stands behind its `else`."""

    kind: str
    words: tuple[str, ...]
    body: list[Any]
    other: list[Any]


def _pieces(template: str) -> Iterator[Any]:
    at = 0
    for found in _ACTION.finditer(template):
        if found.start() > at:
            yield template[at : found.start()]
        yield _Action(tuple(_WORD.findall(found[1])))
        at = found.end()
    if at < len(template):
        yield template[at:]


def _parse(pieces: Iterator[Any], ends: tuple[str, ...]) -> tuple[list[Any], _Action | None]:
    """Nodes up to an action that begins with one of `ends`, and that action."""
    nodes: list[Any] = []
    for piece in pieces:
        if isinstance(piece, _Action) and piece.words and piece.words[0] in ends:
            return nodes, piece
        if isinstance(piece, _Action) and piece.words and piece.words[0] in {"if", "range"}:
            nodes.append(_block(piece.words, pieces))
        else:
            nodes.append(piece)
    if ends:
        raise ValueError("a block has no end")
    return nodes, None


def _block(words: tuple[str, ...], pieces: Iterator[Any]) -> _Block:
    body, end = _parse(pieces, ("else", "end"))
    assert end is not None
    other: list[Any] = []
    if end.words[:2] == ("else", "if"):
        other = [_block(end.words[1:], pieces)]
    elif end.words[0] == "else":
        other = _parse(pieces, ("end",))[0]
    return _Block(words[0], words[1:], body, other)


class _Filling:
    """The variables as they stand. `$` is what the whole template was given."""

    def __init__(self, variables: dict[str, Any], dumps: Dumps) -> None:
        self._variables = variables
        self._dumps = dumps

    def run(self, nodes: Sequence[Any], dot: Any) -> Iterator[str]:
        for node in nodes:
            match node:
                case str():
                    yield node
                case _Action(words) if len(words) > 2 and words[1] in {":=", "="}:
                    self._variables[words[0]] = self._value(words[2:], dot)
                case _Action(words):
                    yield _shown(self._value(words, dot))
                case _Block(kind="if"):
                    holds = bool(self._value(node.words, dot))
                    yield from self.run(node.body if holds else node.other, dot)
                case _Block():
                    yield from self._range(node, dot)

    def _range(self, node: _Block, dot: Any) -> Iterator[str]:
        text = " ".join(node.words)
        names, _, source = text.rpartition(" := ")
        number, item = (name.strip() for name in names.split(",")) if names else ("$_", "$_")
        for at, value in enumerate(self._value(tuple(_WORD.findall(source)), dot)):
            self._variables |= {number: at, item: value}
            yield from self.run(node.body, value)

    def _value(self, words: Sequence[str], dot: Any) -> Any:
        left = list(words)
        found = self._command(left, dot)
        if left:
            raise ValueError(f"not known here: {' '.join(words)}")
        return found

    def _command(self, left: list[str], dot: Any) -> Any:
        """A function with its arguments, or one value, up to a closing bracket or the end."""
        first = left.pop(0)
        if first not in FUNCTIONS and first != "json":
            return self._operand(first, left, dot)
        arguments = []
        while left and left[0] != ")":
            arguments.append(self._operand(left.pop(0), left, dot))
        return self._dumps(*arguments) if first == "json" else FUNCTIONS[first](*arguments)

    def _operand(self, word: str, left: list[str], dot: Any) -> Any:
        if word == "(":
            found = self._command(left, dot)
            left.pop(0)
            return found
        if word.startswith('"'):
            return json.loads(word)
        if word.lstrip("-").isdigit():
            return int(word)
        name, *fields = word.split(".")
        if name and name not in self._variables:
            raise ValueError(f"not known here: {word}")
        value = self._variables[name] if name else dot
        for field in filter(None, fields):
            if field not in value:
                raise ValueError(f"there is no {field} here")
            value = value[field]
        return value


def _and(*values: Any) -> Any:
    return next((value for value in values if not value), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if value), values[-1])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "gt": lambda one, other: one > other,
    "not": lambda value: not value,
    "and": _and,
    "or": _or,
}


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"Go would write this in its own way: {value!r}")
    return value
