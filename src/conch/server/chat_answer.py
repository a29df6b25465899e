"""`/v1/chat/completions`: from a request to a job, and from its pieces to OpenAI's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conch.inference.calls import CallWriting
from conch.inference.chat import Chat, Turns
from conch.inference.grammar import fault_of, json_grammar
from conch.inference.marks import Mark, token_bytes, token_text
from conch.server.answering import Whole
from conch.server.documents import (
    Alternative,
    AssistantMessage,
    CalledFunction,
    CallMade,
    ChatChoice,
    ChatCompletion,
    ChatLogprobs,
    Finish,
    TokenLogprob,
    Usage,
)
from conch.server.errors import RequestError
from conch.server.ids import new_id
from conch.server.job import Job, Part, Reading
from conch.server.schema import ChatRequest, ToolNamed, ToolOffered
from conch.server.service import Served
from conch.server.text_answer import head_of, without_usage


def chat_job(asked: ChatRequest, served: Served) -> Job:
    """Raises RequestError for what this model can't do."""
    chat = served.chat
    tools = asked.offered()
    writing = _writing(chat) if tools else None
    must = asked.tool_choice == "required" or _named(asked) is not None
    grammar = asked.response_format.grammar() if asked.response_format else None
    if writing is not None:
        grammar = _call_grammar(writing, asked, must=must)
    messages = tuple(message.message() for message in asked.messages)
    turns = Turns(
        messages,
        tuple(tool.to_template() for tool in tools),
        _thinking(asked, chat),
        forced=writing.opening if writing is not None and must else "",
        goes_on=asked.continue_final_message and messages[-1].role == "assistant" and not _calls(asked),
        closes_thought=grammar is not None,
    )
    names = frozenset(tool.function.name for tool in tools)
    reading = Reading(writing, names, begun=must, single=must or not asked.parallel_tool_calls)
    return Job(
        chat,
        (turns,),
        served.sampling_for(asked),
        tuple(asked.stop),
        asked.n,
        reading if tools else Reading(),
        grammar,
        asked.top(),
    )


def _calls(asked: ChatRequest) -> bool:
    """Whether the last message has calls: such a turn is complete."""
    return bool(asked.messages[-1].tool_calls)


def _named(asked: ChatRequest) -> ToolNamed | None:
    return asked.tool_choice if isinstance(asked.tool_choice, ToolNamed) else None


def _writing(chat: Chat) -> CallWriting:
    if chat.call_writing is None:
        raise RequestError("serving.no_tools", param="tools")
    return chat.call_writing


def _thinking(asked: ChatRequest, chat: Chat) -> bool | None:
    wanted = asked.thinking()
    if wanted and not chat.may_think:
        raise RequestError("serving.no_thinking", param="enable_thinking")
    return wanted


def _call_grammar(writing: CallWriting, asked: ChatRequest, *, must: bool) -> str | None:
    """What holds the answer to the tools: where a call is wanted for certain, or a tool is strict."""
    named = _named(asked)
    tools = [tool for tool in asked.offered() if named is None or tool.function.name == named.function.name]
    if must:
        return _sound(json_grammar(writing.schema(_templates(tools))))
    if not any(tool.function.strict for tool in tools):
        return None
    if not writing.opening.strip() or writing.special:
        raise RequestError("serving.no_strict", param="tools")
    return _sound(writing.grammar(_templates(tools)))


def _templates(tools: Sequence[ToolOffered]) -> list[dict[str, Any]]:
    return [tool.to_template() for tool in tools]


def _sound(grammar: str) -> str:
    """Each schema is sound by itself; together they may still be too much."""
    fault = fault_of(grammar)
    if fault is not None:
        raise RequestError("serving.bad_schema", param="tools", reason=fault.reason)
    return grammar


class ChatForm:
    """Turns pieces of an answer into what a client of chat reads."""

    def __init__(self, asked: ChatRequest, served: Served) -> None:
        self._asked = asked
        self._tokenizer = served.chat.template.tokenizer
        self._head = head_of("chatcmpl", served)
        self._begun: set[int] = set()

    def document(self, wholes: Sequence[Whole], usage: Usage) -> ChatCompletion:
        choices = [
            ChatChoice(
                index=index,
                message=_message(whole),
                logprobs=self._logprobs(whole.marks),
                finish_reason=_finish(whole.finish, len(whole.calls)),
            )
            for index, whole in enumerate(wholes)
        ]
        return ChatCompletion(choices=choices, usage=usage, **self._head)

    def chunk(self, part: Part) -> dict[str, Any] | None:
        delta = _delta(part)
        new = part.index not in self._begun
        marks = part.delta.marks
        if not (delta or marks or part.delta.finish or new):
            return None
        if new:
            delta = {"role": "assistant", **({"content": ""} if not delta else {}), **delta}
            self._begun.add(part.index)
        logprobs = self._logprobs(marks) if marks else None
        finish = _finish(part.delta.finish, part.calls) if part.delta.finish else None
        choice = {
            "index": part.index,
            "delta": delta,
            "logprobs": logprobs.model_dump() if logprobs else None,
            "finish_reason": finish,
        }
        return {
            **self._head,
            "object": "chat.completion.chunk",
            "choices": [choice],
            **without_usage(self._asked),
        }

    def usage_chunk(self, usage: Usage) -> dict[str, Any] | None:
        if not self._asked.wants_usage():
            return None
        return {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage.model_dump()}

    def _logprobs(self, marks: Sequence[Mark]) -> ChatLogprobs | None:
        if self._asked.top() is None:
            return None
        return ChatLogprobs(content=[self._token(mark) for mark in marks])

    def _token(self, mark: Mark) -> TokenLogprob:
        top = [self._alternative(token, logprob) for token, logprob in mark.top]
        return TokenLogprob(
            **self._alternative(mark.token, mark.logprob or 0.0).model_dump(), top_logprobs=top
        )

    def _alternative(self, token: int, logprob: float) -> Alternative:
        return Alternative(
            token=token_text(self._tokenizer, token),
            logprob=max(logprob, -9999.0),
            bytes=list(token_bytes(self._tokenizer, token)),
        )


def _finish(finish: str, calls: int) -> Finish:
    if finish == "length":
        return "length"
    return "tool_calls" if calls else "stop"


def _message(whole: Whole) -> AssistantMessage:
    calls = [
        CallMade(id=_call_id(), function=CalledFunction(name=name, arguments=arguments))
        for name, arguments in whole.calls
    ]
    return AssistantMessage(
        content=whole.said if whole.said or not calls else None,
        reasoning_content=whole.thought or None,
        tool_calls=calls or None,
    )


def _delta(part: Part) -> dict[str, Any]:
    """The fragments of one piece as one delta."""
    delta: dict[str, Any] = {}
    for fragment in part.fragments:
        match fragment.kind:
            case "said":
                delta["content"] = delta.get("content", "") + fragment.text
            case "thought":
                delta["reasoning_content"] = delta.get("reasoning_content", "") + fragment.text
            case "call":
                function = {"name": fragment.text, "arguments": ""}
                call = {"index": fragment.call, "id": _call_id(), "type": "function", "function": function}
                delta.setdefault("tool_calls", []).append(call)
            case "arguments":
                _go_on(delta.setdefault("tool_calls", []), fragment.call, fragment.text)
    return delta


def _go_on(calls: list[dict[str, Any]], index: int, arguments: str) -> None:
    if not calls or calls[-1]["index"] != index:
        calls.append({"index": index, "function": {"arguments": ""}})
    calls[-1]["function"]["arguments"] += arguments


def _call_id() -> str:
    return f"call_{new_id(24)}"
