"""A Modelfile for Ollama, beside the GGUF file that it names.

Ollama writes prompts with Go templates, not Jinja. The Go template is derived from the model's own, part by
part: turns, the system text, tools with calls and results, thoughts. A part is kept only if the Go
template, filled as Ollama fills it, gives the prompts that the model's own gives; what had to be
left out is told. JSON alone is written in Ollama's own way: without spaces, keys in Go's order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conch.core.conversation import Message, ToolCall
from conch.core.errors import ExportError
from conch.core.notice import Notice
from conch.data.template import ChatTemplate
from conch.data.thoughts import CLOSE, OPEN, opens_thought, split_thought, switches_of
from conch.exporting import frames as apart
from conch.exporting.frames import Frames, Refused
from conch.exporting.go_template import fill, values_of
from conch.exporting.go_written import go_template

NAME = "Modelfile"
_OWN = ("temperature", "top_p", "top_k", "repetition_penalty")
_CALLED = {"repetition_penalty": "repeat_penalty"}


@dataclass(frozen=True)
class Talk:
    """A conversation that the Go template is tried on."""

    messages: Sequence[Message]
    tools: Sequence[Any] = ()
    thinking: bool | None = None


_LEFT_OUT = {
    "system": Notice("export.ollama_without_system", {}),
    "tools": Notice("export.ollama_without_tools", {}),
    "thinking": Notice("export.ollama_without_thinking", {}),
}
"""What is told of a part that can't be derived."""


@dataclass(frozen=True)
class Found:
    """A template in Go's words, and the parts of the model's own that are not in it."""

    frames: Frames
    left_out: tuple[str, ...]


def write_modelfile(
    folder: Path, gguf: str, tokenizer: Any, template: ChatTemplate, model: Path
) -> tuple[Notice, ...]:
    """Write `folder`/Modelfile for the file called `gguf`; `model` has the generation config.

    Returns what had to be left out. Raises ExportError where the template can't be taken apart.
    """
    found = take_apart(template)
    lines = [
        f"FROM ./{gguf}",
        f'TEMPLATE """{go_template(found.frames, _begins_by_itself(tokenizer))}"""',
    ]
    if found.frames.default_system:
        lines.append(f'SYSTEM """{found.frames.default_system}"""')
    own = _generation_config(model)
    stops = sorted(template.stop_ids(_as_list(own.get("eos_token_id"))))
    lines += [f'PARAMETER stop "{tokenizer.convert_ids_to_tokens(stop)}"' for stop in stops]
    if own.get("do_sample"):
        lines += [f"PARAMETER {_CALLED.get(key, key)} {own[key]}" for key in _OWN if own.get(key) is not None]
    else:
        lines.append("PARAMETER temperature 0")
    (folder / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tuple(_LEFT_OUT[part] for part in found.left_out)


def take_apart(template: ChatTemplate) -> Found:
    """Raises ExportError where what stands around a question or an answer depends on more than its role."""
    frames = _kept(template, [apart.turns], None, _talks_turns)
    if frames is None:
        raise ExportError("export.no_modelfile")
    left_out = []
    for part, wanted, ways, talks in (
        ("system", True, (apart.system_as_turn, apart.system_in_question), _talks_system),
        ("tools", "tools" in template.source, (apart.tools,), _talks_tools),
        ("thinking", _thinks(template), (apart.thoughts,), _talks_thoughts),
    ):
        more = _kept(template, ways, frames, talks) if wanted else None
        if wanted and more is None:
            left_out.append(part)
        frames = more or frames
    return Found(frames, tuple(left_out))


def _thinks(template: ChatTemplate) -> bool:
    return bool(switches_of(template.source)) or opens_thought(template.render([Message("user", "?")]))


def _kept(
    template: ChatTemplate,
    ways: Sequence[Callable[..., Frames]],
    frames: Frames | None,
    talks: Callable[[Frames], Iterator[Talk]],
) -> Frames | None:
    """What the first of `ways` finds that makes the same prompts of `talks`, with what was found before."""
    for way in ways:
        try:
            found = way(template) if frames is None else way(template, frames)
            if all(_same(template, found, talk) for talk in talks(found)):
                return found
        except Refused:
            continue
    return None


def _same(template: ChatTemplate, frames: Frames, talk: Talk) -> bool:
    wish = template.thinking if talk.thinking is None else talk.thinking
    own = replace(template, thinking=wish)
    wanted = {own.render(messages, tools=talk.tools) for messages in (talk.messages, _without_old(talk))}
    return filled(go_template(frames), frames, talk) in wanted


def _without_old(talk: Talk) -> list[Message]:
    """As clients tell it that keep thoughts apart: those before the last question are gone."""
    asked = max(at for at, message in enumerate(talk.messages) if message.role == "user")
    return [
        replace(message, content=split_thought(message.content)[1])
        if at < asked and message.role == "assistant"
        else message
        for at, message in enumerate(talk.messages)
    ]


def filled(template: str, frames: Frames, talk: Talk, dumps: Callable[[Any], str] | None = None) -> str:
    """What Ollama makes of a talk by the Modelfile, but for its own way with JSON unless `dumps` has it."""
    messages = list(talk.messages)
    if frames.default_system and messages[0].role != "system":
        messages.insert(0, Message("system", frames.default_system))
    values = values_of(messages, talk.tools, talk.thinking)
    return fill(template, values, dumps or _as_jinja)


def _as_jinja(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_BRIEF = Message("system", "Be brief: 简短。")
_WHO, _WHY, _HELLO = Message("user", "Who are you?"), Message("user", "Why?"), Message("user", "你好")
_ANSWER = Message("assistant", "I am 海螺.")
_CALL = ToolCall("weather", {"place": "北京", "days": [1, 2]}, "call00001")
_OTHER = ToolCall("clock", {}, "call00002")
_RESULTS = (
    Message("tool", '"sunny"\n20°C', tool_call_id="call00001"),
    Message("tool", "12:00", tool_call_id="call00002"),
)
_OFFERED = (apart.tool("weather"), apart.tool("clock"))


def _turns_of(*start: Message) -> Iterator[Talk]:
    yield Talk([*start, _WHO])
    yield Talk([*start, _WHO, _ANSWER, _WHY])
    yield Talk([*start, _WHO, _ANSWER, _HELLO, _ANSWER, _WHY])


def _talks_turns(frames: Frames) -> Iterator[Talk]:
    return _turns_of()


def _talks_system(frames: Frames) -> Iterator[Talk]:
    yield from _turns_of()
    yield from _turns_of(_BRIEF)


def _talks_tools(frames: Frames) -> Iterator[Talk]:
    yield from _talks_system(frames)
    for content in ("", "I look."):
        one, both = (Message("assistant", content, tool_calls=calls) for calls in ((_CALL,), (_CALL, _OTHER)))
        for start in ((), (_BRIEF,)):
            for offered in (_OFFERED[:1], _OFFERED):
                yield Talk([*start, _WHO], offered)
                yield Talk([*start, _WHO, _ANSWER, _WHY], offered)
                if frames.thoughts is None:
                    yield Talk([*start, _WHO, one, _RESULTS[0], _ANSWER, _HELLO], offered)
                    yield Talk([*start, _WHO, both, *_RESULTS, _ANSWER, _HELLO, _ANSWER, _WHY], offered)


def _talks_thoughts(frames: Frames) -> Iterator[Talk]:
    """With tools, thoughts behind the last question are told again; those before it are not."""
    thought = Message("assistant", f"{OPEN}\nI hear the sea.\n{CLOSE}\n\nI am 海螺.")
    for wish in (None, True, False):
        yield from (Talk(talk.messages, talk.tools, wish) for talk in _talks_system(frames))
        yield Talk([_WHO, thought, _WHY], thinking=wish)
    if frames.tools is None:
        return
    for content in ("", "I look.", f"{OPEN}\nWhere?\n{CLOSE}\n\n", f"{OPEN}\nWhere?\n{CLOSE}\n\nI look."):
        one, both = (Message("assistant", content, tool_calls=calls) for calls in ((_CALL,), (_CALL, _OTHER)))
        yield Talk([_BRIEF, _WHO, one, _RESULTS[0]], _OFFERED)
        yield Talk([_WHO, both, *_RESULTS], _OFFERED[:1])
        yield Talk([_WHO, one, _RESULTS[0], thought, _WHY, both, *_RESULTS], _OFFERED)


def _begins_by_itself(tokenizer: Any) -> str:
    begins = list(tokenizer.encode("a"))[:1]
    return str(tokenizer.bos_token) if begins and begins == [tokenizer.bos_token_id] else ""


def _generation_config(model: Path) -> dict[str, Any]:
    file = model / "generation_config.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _as_list(value: int | list[int] | None) -> list[int]:
    return [value] if isinstance(value, int) else list(value or [])
