"""A chat template taken apart: what it writes around messages, system text, tools, calls and thoughts.

Nothing is read from the template's source. Conversations are rendered with marks in them, and the text
around the marks is what the template writes. Whether the parts, put together again, give the
same prompts is for others to see (`conch.exporting.ollama`): here everything is tried, and a ValueError
says that a template does not write something as one text before and one behind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conch.core.conversation import Message, Role, ToolCall
from conch.core.errors import DataError
from conch.data.template import ChatTemplate
from conch.data.thoughts import CLOSE, OPEN

_MARK = "\N{BLACK STAR}said by %s %d\N{BLACK STAR}"
SYSTEM = "\N{BLACK STAR}system\N{BLACK STAR}"
_NAME, _ARGUMENTS = "conch_probe_call", {"conch_probe_key": "conch_probe_value"}


@dataclass(frozen=True)
class Frame:
    """What stands before and behind a message."""

    before: str
    behind: str


@dataclass(frozen=True)
class Listing:
    """How tools are listed. `before` and `behind` hold the mark `SYSTEM` where there is a system text."""

    before: str
    between: str
    behind: str
    functions: bool
    """Only the functions are written, without their type."""
    in_question: bool = False
    """Behind the first question, and not before it."""


@dataclass(frozen=True)
class Calls:
    """How calls of functions are written, and what they return."""

    bare: str
    """What begins an answer that only calls."""
    says: bool
    """An answer that calls may say something, too."""
    opening: str
    middle: str
    """Between the name and the arguments, or the other way round."""
    closing: str
    between: str
    """What stands between two calls beside that."""
    name_first: bool
    end: str
    """Behind the last call, to the end of the turn."""
    result: Frame
    result_as_json: bool
    between_results: str | None
    """What stands between results that follow one another; None where each has its frame."""


@dataclass(frozen=True)
class Tools:
    with_system: Listing
    without: Listing
    calls: Calls


@dataclass(frozen=True)
class Thoughts:
    """How thoughts are written behind the last question; before it they are left out.

    `bare` is for an answer that only calls. `always`: an empty one is written where there is none.
    """

    frame: Frame
    bare: Frame
    always: bool
    prompts: Mapping[bool | None, str]
    """What asks for an answer with thoughts, without them, and where nobody says."""


@dataclass(frozen=True)
class Frames:
    """A chat template taken apart."""

    begin: str
    """What stands at the very beginning."""
    roles: dict[str, Frame]
    prompt: str
    """What asks for an answer."""
    default_system: str | None = None
    """What the template says as system where nobody does."""
    in_question: Frame | None = None
    """What stands around a system text that is written into the first question."""
    tools: Tools | None = None
    thoughts: Thoughts | None = None


def said(role: Role, number: int) -> Message:
    return Message(role, _MARK % (role, number))


def turns(template: ChatTemplate) -> Frames:
    """Questions and answers."""
    user, answer, second = said("user", 1), said("assistant", 1), said("user", 2)
    asked = template.render([user])
    begin_user, prompt_after = around(asked, user.content)
    _, after_user = around(template.render([user, answer, second]), user.content)
    to_answer, after_answer = around(after_user, answer.content)
    to_second, rest = around(after_answer, second.content)
    if rest != prompt_after:
        raise ValueError("the last turn is written otherwise")
    behind = _whole_tokens(_common_start(prompt_after, to_second))
    if not behind and to_answer.startswith(
        prompt_after
    ):  # nothing but the end of a question asks for answers
        behind = prompt_after
    before_user = to_second[len(behind) :] if to_second.startswith(behind) else to_second
    if not begin_user.endswith(before_user):  # questions and answers end otherwise
        before_user = _from_token(_common_end(begin_user, to_second))
    behind_answer = to_second[: len(to_second) - len(before_user)]
    begin = begin_user[: len(begin_user) - len(before_user)]
    prompt, before_answer = prompt_after[len(behind) :], to_answer[len(behind) :]
    roles = {"user": Frame(before_user, behind), "assistant": Frame(before_answer, behind_answer)}
    return Frames(begin, roles, prompt)


def system_as_turn(template: ChatTemplate, frames: Frames) -> Frames:
    """The frame of a system text, and whether the template has one of its own."""
    before, between = _around_system(template)
    before_user = frames.roles["user"].before
    if not between.endswith(before_user):
        raise ValueError("a system text is written into the question")
    behind = between[: len(between) - len(before_user)]
    begin = _common_start(before, frames.begin)
    roles = {**frames.roles, "system": Frame(before[len(begin) :], behind)}
    if begin == frames.begin:
        return replace(frames, roles=roles)
    # something is said where nobody says it: begin, before, DEFAULT, behind
    if not frames.begin.startswith(before) or not frames.begin.endswith(behind):
        raise ValueError("the default is not a system text")
    default = frames.begin[len(before) : len(frames.begin) - len(behind)]
    roles["system"] = Frame(before, behind)
    return replace(frames, begin="", roles=roles, default_system=default)


def system_in_question(template: ChatTemplate, frames: Frames) -> Frames:
    """What stands around a system text that is written into the first question."""
    before, between = _around_system(template)
    start = frames.begin + frames.roles["user"].before
    if not before.startswith(start):
        raise ValueError("a system text stands elsewhere")
    return replace(frames, in_question=Frame(before[len(start) :], between))


def _around_system(template: ChatTemplate) -> tuple[str, str]:
    """What stands before a system text, and between it and the question."""
    user = said("user", 1)
    before, behind = around(template.render([Message("system", SYSTEM), user]), SYSTEM)
    return before, around(behind, user.content)[0]


def tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"place": {"type": "string", "description": "A place."}}}
    described = {"name": name, "description": f"What {name} does.", "parameters": parameters}
    return {"type": "function", "function": described}


def tools(template: ChatTemplate, frames: Frames) -> Frames:
    """Tools, calls and results, where tools are listed before the first question."""
    listings = [_listing(template, frames, start) for start in ([Message("system", SYSTEM)], [])]
    return replace(frames, tools=Tools(listings[0], listings[1], _calls(template, frames)))


def _listing(template: ChatTemplate, frames: Frames, start: list[Message]) -> Listing:
    one, two = tool("conch_one"), tool("conch_two")
    question = [*start, said("user", 1)]
    single = template.render(question, tools=[one])
    double = template.render(question, tools=[one, two])
    in_question = double.startswith(around(template.render(question), question[-1].content)[0])
    cut = _behind_question if in_question else _before_question
    single, double = (cut(text, question, frames) for text in (single, double))
    functions = find_json(double, one) is None
    first, second = ((each["function"] if functions else each) for each in (one, two))
    at, behind, next_at = find_json(double, first), find_json(single, first), find_json(double, second)
    if not (at and behind and next_at):
        raise ValueError("tools are not written as JSON")
    parts = double[: at[0]], double[at[1] : next_at[0]], double[next_at[1] :]
    found = Listing(*parts, functions, in_question)
    if single != found.before + single[behind[0] : behind[1]] + found.behind:
        raise ValueError("one tool is written otherwise than two")
    return found


def _before_question(text: str, question: list[Message], frames: Frames) -> str:
    before, _ = around(text, question[-1].content)
    start, inner = frames.roles["user"].before, frames.in_question
    if inner is not None and len(question) > 1:
        start += inner.before + SYSTEM + inner.behind
    if not before.endswith(start):
        raise ValueError("tools are written into the question")
    return before[: len(before) - len(start)]


def _behind_question(text: str, question: list[Message], frames: Frames) -> str:
    _, behind = around(text, question[-1].content)
    end = frames.roles["user"].behind + frames.prompt
    if not behind.endswith(end):
        raise ValueError("tools stand behind the question")
    return behind[: len(behind) - len(end)]


def _call(number: int) -> ToolCall:
    return ToolCall(f"{_NAME}_{number}", {**_ARGUMENTS, "number": number}, f"call0000{number}")


def _calls(template: ChatTemplate, frames: Frames) -> Calls:
    user, first, second = said("user", 1), said("tool", 1), said("tool", 2)
    results = [replace(each, tool_call_id=_call(at).id) for at, each in enumerate((first, second))]
    both = Message("assistant", "", tool_calls=(_call(0), _call(1)))
    text = template.render([user, both, *results, said("user", 2)])
    _, text = around(text, user.content + frames.roles["user"].behind)
    bare, one, text = _written_call(text, _call(0))
    between, other, text = _written_call(text, _call(1))
    if one != other:
        raise ValueError("the second call is written otherwise")
    middle, name_first = one
    end, behind = around(text, first.content)
    between_results, last = around(behind, second.content)
    closing_answer, question = frames.roles["assistant"].behind, frames.roles["user"].before
    head, mark, before_result = end.partition(closing_answer)
    last, _ = around(last, said("user", 2).content)
    if not closing_answer or not mark or not last.endswith(question):
        raise ValueError("nobody can tell where the answer ends")
    result = Frame(before_result, last[: len(last) - len(question)])
    merged = None if between_results == result.behind + result.before else between_results
    glue = _glue(template)
    opening = _common_end(bare, between)
    if glue is not None:
        opening = _common_end(opening, glue)
    closing = _common_start(between[: len(between) - len(opening)], head)
    apart = between[len(closing) : len(between) - len(opening)]
    if not opening or (apart and glue is not None):
        raise ValueError("calls are parted otherwise")
    as_json = merged is None and result.before.endswith('"') and result.behind.startswith('"')
    if as_json:
        result = Frame(result.before[:-1], result.behind[1:])
    return Calls(
        bare=bare[: len(bare) - len(opening)],
        says=glue is not None,
        opening=opening,
        middle=middle,
        closing=closing,
        between=apart,
        name_first=name_first,
        end=head[len(closing) :] + closing_answer,
        result=result,
        result_as_json=as_json,
        between_results=merged,
    )


def _glue(template: ChatTemplate) -> str | None:
    """What stands between what an answer says and its call; None where an answer that calls says nothing."""
    user, answer, result = said("user", 1), said("assistant", 1), said("tool", 1)
    calling = replace(answer, tool_calls=(_call(0),))
    answered = [user, calling, replace(result, tool_call_id=_call(0).id), said("user", 2)]
    text = template.render(answered)
    if answer.content not in text:
        return None
    _, text = around(text, answer.content)
    return _written_call(text, _call(0))[0]


def _written_call(text: str, call: ToolCall) -> tuple[str, tuple[str, bool], str]:
    """What stands before a call, (between its name and arguments, whether the name is first), and behind."""
    arguments = find_json(text, dict(call.arguments))
    name = text.find(call.name)
    if arguments is None or name < 0:
        raise ValueError("a call is not written as a name and JSON")
    spans = sorted([(name, name + len(call.name)), arguments])
    return text[: spans[0][0]], (text[spans[0][1] : spans[1][0]], spans[0][0] == name), text[spans[1][1] :]


def thoughts(template: ChatTemplate, frames: Frames) -> Frames:
    """Thoughts: what opens and closes them, and how they are asked for."""
    user = said("user", 1)
    prompts = {}
    for wish in (None, True, False):
        text = (
            replace(template, thinking=wish).render([user]) if wish is not None else template.render([user])
        )
        _, rest = around(text, user.content + frames.roles["user"].behind)
        prompts[wish] = rest
    usual = Frame(f"{OPEN}\n", f"\n{CLOSE}\n\n")
    frame, bare, always = usual, usual, False
    if frames.tools is not None:
        frame, bare, always = _kept(template, frames, frames.tools.calls)
    return replace(frames, thoughts=Thoughts(frame, bare, always, prompts))


def _kept(template: ChatTemplate, frames: Frames, calls: Calls) -> tuple[Frame, Frame, bool]:
    """What stands around the thought of an answer that calls and says something, that only calls."""
    user, result = said("user", 1), replace(said("tool", 1), tool_call_id=_call(0).id)
    thought, text = _MARK % ("thought", 1), _MARK % ("assistant", 1)

    def written(content: str) -> str:
        calling = Message("assistant", content, tool_calls=(_call(0),))
        shown = template.render([user, calling, result])
        return around(shown, user.content + frames.roles["user"].behind)[1]

    head = frames.roles["assistant"].before
    full = written(f"{OPEN}\n{thought}\n{CLOSE}\n\n{text}")
    if thought not in full:  # no thought is ever shown again
        return (Frame(f"{OPEN}\n", f"\n{CLOSE}\n\n"),) * 2 + (False,)
    before, behind = around(full, thought)
    frame = Frame(_without_start(before, head), around(behind, text)[0])
    before, behind = around(written(f"{OPEN}\n{thought}\n{CLOSE}\n\n"), thought)
    between = _written_call(behind, _call(0))[0]
    if not between.endswith(calls.opening):
        raise ValueError("calls behind a thought are opened otherwise")
    bare = Frame(_without_start(before, calls.bare), between[: len(between) - len(calls.opening)])
    always = written(text).startswith(head + frame.before + frame.behind)
    return frame, bare, always


def _without_start(text: str, start: str) -> str:
    if not text.startswith(start):
        raise ValueError("an answer with a thought begins otherwise")
    return text[len(start) :]


def find_json(text: str, value: Any) -> tuple[int, int] | None:
    """Where `value` stands in `text` as JSON, however it is spaced."""
    at = text.find("{")
    while at >= 0:
        try:
            found, end = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            found, end = None, 0
        if found == value:
            return at, end
        at = text.find("{", at + 1)
    return None


def around(text: str, part: str) -> tuple[str, str]:
    if text.count(part) != 1:
        raise ValueError("a message is written twice, or not as it is")
    before, _, behind = text.partition(part)
    return before, behind


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


Refused = (ValueError, DataError)
"""What a template says to conversations that it can't write."""
