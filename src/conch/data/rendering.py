"""Messages → text, by a Jinja template, in the form that the template reads."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jinja2 import TemplateError

from conch.core.conversation import Message, ToolCall
from conch.core.errors import DataError
from conch.data.tokenizer import Tokenizer

PROBE = "conch-probe"
"""A word that no template writes by itself."""
_CALL = "conch_probe_call"
_NULLS = (
    "{%- set with_nulls = namespace(messages=[]) -%}{%- for message in messages -%}"
    "{%- set whole = message if 'content' in message else dict(message, content=none) -%}"
    "{%- set with_nulls.messages = with_nulls.messages + [whole] -%}"
    "{%- endfor -%}{%- set messages = with_nulls.messages -%}"
)
"""Jinja text that puts contents of null back, which transformers takes out of every message."""


_COMPILER = "transformers.utils.chat_template_utils"
TextRender = Callable[[list[dict[str, Any]], bool], str]
"""Turns of nothing but text, and whether an answer is asked for, to text."""


class CallForm(NamedTuple):
    """How calls of functions are handed to a template; not all read the same form."""

    with_ids: bool = False
    """Calls without an id get one of nine digits, as Mistral's templates want."""
    as_text: bool = False
    """Arguments come as JSON text, rather than as values."""
    null_content: bool = False
    """A turn of calls alone has null for a content, by which DeepSeek's older templates tell calls."""


def render(
    tokenizer: Tokenizer,
    source: str,
    turns: list[dict[str, Any]],
    generation: bool,
    tools: Sequence[Any],
    options: dict[str, Any] | None = None,
) -> str:
    """The text of `turns`. Raises DataError where the template refuses them."""
    if any(turn["content"] is None for turn in turns):
        source = _NULLS + source
    try:
        text: str = tokenizer.apply_chat_template(
            turns,
            chat_template=source,
            add_generation_prompt=generation,
            tokenize=False,
            tools=[dict(tool) for tool in tools] or None,
            **(options or {}),
        )
    except (TemplateError, TypeError) as error:
        raise _refused(turns, error) from error
    return text


def text_render(tokenizer: Tokenizer, source: str, options: dict[str, Any]) -> TextRender | None:
    """What renders turns of text as `render` does, in half the time; None where nothing is known to.

    It is the template as transformers compiles it, without what stands around it for calls, tools and media.
    """
    compiled = _compiled(tokenizer, source)
    if compiled is None:
        return None
    known = {**getattr(tokenizer, "special_tokens_map", {}), **options, "tools": None, "documents": None}

    def quick(turns: list[dict[str, Any]], generation: bool) -> str:
        try:
            text: str = compiled.render(**known, messages=turns, add_generation_prompt=generation)
        except (TemplateError, TypeError) as error:
            raise _refused(turns, error) from error
        return text

    asked = [{"role": "user", "content": PROBE}]
    try:
        same = quick(asked, True) == render(tokenizer, source, asked, True, (), options)
    except DataError:
        return None
    return quick if same else None


def _compiled(tokenizer: Tokenizer, source: str) -> Any:
    """The template as transformers compiles it; None where tokenizer or transformers have another way.

    Nothing is imported for it: a tokenizer of transformers has brought along what it needs.
    """
    base: Any = sys.modules.get("transformers.tokenization_utils_base")
    own = getattr(base, "PreTrainedTokenizerBase", None)
    compile_template = getattr(sys.modules.get(_COMPILER), "_compile_jinja_template", None)
    if own is None or compile_template is None:
        return None
    if type(tokenizer).apply_chat_template is not own.apply_chat_template:
        return None
    try:
        return compile_template(source)
    except TemplateError:  # told when a conversation is rendered
        return None


def _refused(turns: list[dict[str, Any]], error: Exception) -> DataError:
    roles = ", ".join(turn["role"] for turn in turns)
    return DataError("data.template_refused", roles=roles, reason=error)


def formed(messages: Sequence[Message], form: CallForm) -> list[dict[str, Any]]:
    """Messages with calls as a template reads them. Results without an id answer the calls in order."""
    turns = [message.to_template() for message in messages]
    made, answered = itertools.count(1), itertools.count(1)
    for turn in turns:
        if form.null_content and turn.get("tool_calls") and not turn["content"].strip():
            turn["content"] = None
        if form.with_ids and turn["role"] == "tool":
            turn.setdefault("tool_call_id", f"{next(answered):09}")
        for call in turn.get("tool_calls", ()):
            if form.with_ids:
                call.setdefault("id", f"{next(made):09}")
            if form.as_text:
                arguments = call["function"]["arguments"]
                call["function"]["arguments"] = json.dumps(arguments, ensure_ascii=False)
    return turns


def form_of(tokenizer: Tokenizer, source: str) -> CallForm | None:
    """The first form of calls that the template writes out whole; None where it writes none."""
    call = Message("assistant", "", tool_calls=(ToolCall(_CALL, {PROBE: PROBE}),))
    probe = [Message("user", "?"), call, Message("tool", PROBE, name=_CALL)]
    for null_content, with_ids, as_text in itertools.product((False, True), repeat=3):
        form = CallForm(with_ids, as_text, null_content)
        try:
            text = render(tokenizer, source, formed(probe, form), False, ())
        except DataError:
            continue
        if _CALL in text and text.count(PROBE) > 2:
            return form
    return None
