"""A Modelfile for Ollama, beside the GGUF file that it names.

Ollama writes prompts with Go templates, not Jinja. The Go template is derived from the model's own:
conversations are rendered with it and taken apart into what stands before and behind each
message. It is kept only if, put together again, it gives the same prompts. Tools and thoughts,
which Go templates would have to spell anew, are left to the GGUF's own template.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.conversation import Message, Role
from conch.core.errors import ExportError
from conch.data.template import ChatTemplate

NAME = "Modelfile"
_MARK = "\N{BLACK STAR}said by %s %d\N{BLACK STAR}"
_OWN = ("temperature", "top_p", "top_k", "repetition_penalty")
_CALLED = {"repetition_penalty": "repeat_penalty"}


@dataclass(frozen=True)
class Frame:
    """What stands before and behind a message."""

    before: str
    behind: str

    def around(self, text: str) -> str:
        return self.before + text + self.behind


@dataclass(frozen=True)
class Frames:
    """A chat template taken apart."""

    begin: str
    """What stands at the very beginning."""
    roles: dict[str, Frame]
    prompt: str
    """What asks for an answer."""
    default_system: str | None
    """What the template says as system where nobody does."""

    def render(self, messages: Sequence[Message]) -> str:
        """As Ollama will: with the default system text where there is none."""
        said = list(messages)
        if self.default_system is not None and said[0].role != "system":
            said.insert(0, Message("system", self.default_system))
        return self.begin + "".join(self.roles[m.role].around(m.content) for m in said) + self.prompt


def write_modelfile(folder: Path, gguf: str, tokenizer: Any, template: ChatTemplate, model: Path) -> None:
    """Write `folder`/Modelfile for the file called `gguf`; `model` has the generation config.

    Raises ExportError where the template can't be taken apart.
    """
    frames = take_apart(template)
    begins = _begins_by_itself(tokenizer)
    lines = [f"FROM ./{gguf}", f'TEMPLATE """{go_template(frames, begins)}"""']
    if frames.default_system:
        lines.append(f'SYSTEM """{frames.default_system}"""')
    own = _generation_config(model)
    stops = sorted(template.stop_ids(_as_list(own.get("eos_token_id"))))
    lines += [f'PARAMETER stop "{tokenizer.convert_ids_to_tokens(stop)}"' for stop in stops]
    if own.get("do_sample"):
        lines += [f"PARAMETER {_CALLED.get(key, key)} {own[key]}" for key in _OWN if own.get(key) is not None]
    else:
        lines.append("PARAMETER temperature 0")
    (folder / NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")


def take_apart(template: ChatTemplate) -> Frames:
    """Raises ExportError where what stands around a message depends on more than its role."""
    user, answer, second = _said("user", 1), _said("assistant", 1), _said("user", 2)
    try:
        frames = _frames(template, user, answer, second)
        same = all(frames.render(talk) == template.render(talk) for talk in _talks(frames))
    except ValueError as error:
        raise ExportError("export.no_modelfile") from error
    if not same:
        raise ExportError("export.no_modelfile")
    return frames


def _said(role: Role, number: int) -> Message:
    return Message(role, _MARK % (role, number))


def _frames(template: ChatTemplate, user: Message, answer: Message, second: Message) -> Frames:
    asked = template.render([user])
    turns = template.render([user, answer, second])
    begin_user, prompt_after = _around(asked, user)
    _, after_user = _around(turns, user)
    to_answer, after_answer = _split(after_user, answer)
    to_second, rest = _split(after_answer, second)
    if rest != prompt_after:
        raise ValueError("the last turn is written otherwise")
    behind = _whole_tokens(_common_start(prompt_after, to_second))
    before_user = to_second[len(behind) :]
    if not begin_user.endswith(before_user):  # questions and answers end otherwise
        before_user = _from_token(_common_end(begin_user, to_second))
    behind_answer = to_second[: len(to_second) - len(before_user)]
    begin = begin_user[: len(begin_user) - len(before_user)]
    prompt, before_answer = prompt_after[len(behind) :], to_answer[len(behind) :]
    roles = {"user": Frame(before_user, behind), "assistant": Frame(before_answer, behind_answer)}
    return _with_system(template, Frames(begin, roles, prompt, None), user)


def _with_system(template: ChatTemplate, frames: Frames, user: Message) -> Frames:
    """Find the frame of a system text, and whether the template has one of its own."""
    system = _said("system", 1)
    shown = template.render([system, user])
    before, behind = _around(shown, system)
    between, _ = _split(behind, user)
    before_user = frames.roles["user"].before
    if not between.endswith(before_user):
        raise ValueError("a system text is written into the question")
    behind_system = between[: len(between) - len(before_user)]
    begin = _common_start(before, frames.begin)
    before_system = before[len(begin) :]
    roles = {**frames.roles, "system": Frame(before_system, behind_system)}
    own = frames.begin[len(begin) :]
    if not own:
        if frames.begin != begin:
            raise ValueError("the beginning depends on the system text")
        return Frames(begin, roles, frames.prompt, None)
    # something is said where nobody says it: begin + before_system + DEFAULT + behind_system
    begin, before_system = _shared(frames.begin, before)
    default = frames.begin[len(begin) + len(before_system) :]
    if not default.endswith(behind_system):
        raise ValueError("the template says something of its own")
    text = default[: len(default) - len(behind_system)] if behind_system else default
    roles["system"] = Frame(before_system, behind_system)
    return Frames(begin, roles, frames.prompt, text)


def _shared(default: str, before: str) -> tuple[str, str]:
    """`before` (begin and the frame of a system text) must begin what is said by default, too."""
    if not default.startswith(before):
        raise ValueError("the default is not a system text")
    return "", before


def _around(text: str, message: Message) -> tuple[str, str]:
    if text.count(message.content) != 1:
        raise ValueError("a message is written twice, or not as it is")
    before, _, behind = text.partition(message.content)
    return before, behind


def _split(text: str, message: Message) -> tuple[str, str]:
    return _around(text, message)


def _common_start(one: str, other: str) -> str:
    size = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:size]


def _common_end(one: str, other: str) -> str:
    return _common_start(one[::-1], other[::-1])[::-1]


def _whole_tokens(start: str) -> str:
    """Without the special token that may go on differently."""
    return start[: max(start.rfind("<"), start.rfind("["), 0)]


def _from_token(end: str) -> str:
    """From the first special token on, so that none is cut in two."""
    places = [place for place in (end.find("<"), end.find("[")) if place >= 0]
    return end[min(places) :] if places else end


def _talks(frames: Frames) -> list[list[Message]]:
    """Conversations that the frames are tried on."""
    system = Message("system", "Be brief: 简短。")
    first, answer = Message("user", "Who are you?"), Message("assistant", "I am 海螺.")
    talks = [[first], [system, first], [first, answer, Message("user", "Why?")]]
    talks.append([system, first, answer, Message("user", "你好"), answer, Message("user", "Why?")])
    return talks


def go_template(frames: Frames, begins_by_itself: str) -> str:
    """The frames as a Go template, without the beginning-of-text token where Ollama writes it itself."""
    begin = frames.begin
    roles = dict(frames.roles)
    if begins_by_itself and begin.startswith(begins_by_itself):
        begin = begin[len(begins_by_itself) :]
    elif begins_by_itself and not begin and roles["system"].before.startswith(begins_by_itself):
        system = roles["system"]
        roles["system"] = Frame(system.before[len(begins_by_itself) :], system.behind)
    parts = [
        f'{{{{ {"if" if number == 0 else "else if"} eq .Role "{role}" }}}}'
        f"{_text(roles[role].before)}{{{{ .Content }}}}{_text(roles[role].behind)}"
        for number, role in enumerate(("system", "user", "assistant"))
    ]
    body = "".join(parts) + "{{ end }}"
    return f"{_text(begin)}{{{{ range .Messages }}}}{body}{{{{ end }}}}{_text(frames.prompt)}"


def _text(text: str) -> str:
    """Text inside a Go template: braces and quotes that would end something are written as strings."""
    if "{{" in text or '"""' in text:
        return "{{ " + json.dumps(text, ensure_ascii=False) + " }}"
    return text


def _begins_by_itself(tokenizer: Any) -> str:
    begins = list(tokenizer.encode("a"))[:1]
    return str(tokenizer.bos_token) if begins and begins == [tokenizer.bos_token_id] else ""


def _generation_config(model: Path) -> dict[str, Any]:
    file = model / "generation_config.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _as_list(value: int | list[int] | None) -> list[int]:
    return [value] if isinstance(value, int) else list(value or [])
