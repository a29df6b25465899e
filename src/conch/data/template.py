"""Conversations as the model reads them: the one place where text for training and for serving is made.

It works around the tokenizer's own Jinja chat template. An assistant turn is what the model
would be shown at inference (the history, rendered with the generation prompt), then the
answer, then the end-of-turn token. It does not decide which tokens are trained. What becomes
of thoughts is told in `conch.data.thoughts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from conch.core.conversation import Message
from conch.core.errors import DataError
from conch.core.notice import Notice
from conch.data import template_names as names
from conch.data.rendering import CallForm, TextRender, form_of, formed, render, text_render
from conch.data.template_choice import end_of_turn, template_source
from conch.data.thoughts import (
    CLOSE,
    OPEN,
    before_thought,
    closing,
    continued,
    opens_thought,
    split_thought,
    switches_of,
)
from conch.data.tokenizer import Tokenizer, TokenReader, end_of_text, text_of


@dataclass(frozen=True)
class ChatTemplate:
    """A tokenizer's way of writing conversations.

    `source` is the Jinja text, `end_of_turn` the token that ends an assistant turn, `thinking`
    the wish of the user about thoughts, and `notices` what the user should know of the choice.
    """

    tokenizer: Tokenizer = field(repr=False)
    source: str = field(repr=False)
    end_of_turn: int
    thinking: bool | None = None
    notices: tuple[Notice, ...] = ()

    @staticmethod
    def of(tokenizer: Tokenizer, given: str | None = None, thinking: bool | None = None) -> ChatTemplate:
        """The template of `tokenizer`: its own, or the one that `given` (a Jinja file or a name) asks for.

        Raises ModelError where there is none or it has no end-of-turn token.
        """
        source, notices = template_source(tokenizer, given)
        end, plain = end_of_turn(tokenizer, source)
        if plain and given and names.is_file(given):
            used = text_of(tokenizer, end)
            notices = (*notices, Notice("template.plain_end", {"end": plain, "used": used}))
        return ChatTemplate(tokenizer, source, end, thinking, notices)

    @staticmethod
    def for_text(tokenizer: Tokenizer) -> ChatTemplate:
        """For plain text, which needs no chat template: the end of text ends a document."""
        return ChatTemplate(tokenizer, "", end_of_text(tokenizer))

    def render(
        self, messages: Iterable[Message], *, generation: bool = True, tools: Sequence[Any] = ()
    ) -> str:
        """The text of `messages`, with the prompt for an answer if `generation`."""
        shown = [self._shown(message) for message in messages]
        text = self._render(self._turns(shown), generation, tools)
        if generation and self.thinking is False and opens_thought(text):
            return text + closing(text)
        return text

    def turn(self, history: Sequence[Message], answer: Message, tools: Sequence[Any] = ()) -> tuple[str, str]:
        """The prompt after `history` and the text of `answer` behind it, without the end-of-turn token."""
        prompt = self.render(history, tools=tools)
        rendered = self.render([*history, answer], generation=False, tools=tools)
        return prompt, self._answer_text(prompt, rendered, self._shown(answer))

    def prompt_ids(self, messages: Sequence[Message], tools: Sequence[Any] = ()) -> list[int]:
        """The token ids that the model is shown before it answers: in training and at inference."""
        return self.encode(self.render(messages, tools=tools))

    def encode(self, text: str) -> list[int]:
        """Token ids of `text` as it stands: the template writes every special token itself."""
        self.reader.reset()
        return self.reader.read(text)

    def text_ids(self, text: str) -> list[int]:
        """Token ids of raw text: begun with the beginning-of-text token where the tokenizer begins so."""
        return [*self.reader.start, *self.encode(text)]

    def kept_source(self, default_system: str | None = None) -> str:
        """The Jinja text to keep with a trained model: what was asked of thoughts becomes its default.

        So does the system text that was trained with. Whoever loads the model, with Conch or
        without, prompts it as it was trained.
        """
        own = _system_default(default_system) + self.source if default_system else self.source
        if self.thinking is None:
            return own
        source = "".join(_default(name, self.thinking) for name in self._options) + own
        prompt = self._render([{"role": "user", "content": "?"}], True, ())
        if self.thinking or not opens_thought(prompt):
            return source
        asked = "add_generation_prompt and not (enable_thinking is defined and enable_thinking)"
        return f"{source}{{%- if {asked} -%}}{{{{- {json.dumps(closing(prompt))} -}}}}{{%- endif -%}}"

    def stop_ids(self, also: Iterable[int] = ()) -> frozenset[int]:
        """Tokens that end an answer: the end-of-turn token, the end of text, and the model's own `also`."""
        end = self.tokenizer.eos_token_id
        return frozenset({self.end_of_turn, *also, *([] if end is None else [end])})

    @cached_property
    def reader(self) -> TokenReader:
        return TokenReader(self.tokenizer)

    def _shown(self, message: Message) -> Message:
        """The message as far as thoughts are wanted."""
        if self.thinking is not False or message.role != "assistant" or CLOSE not in message.content:
            return message
        return replace(message, content=split_thought(message.content)[1])

    def _turns(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        if not any(message.tool_calls for message in messages):
            return [message.to_template() for message in messages]
        if self._call_form is None:
            raise DataError("template.no_calls", example=names.file_of("chatml"))
        return formed(messages, self._call_form)

    def _render(self, turns: list[dict[str, Any]], generation: bool, tools: Sequence[Any]) -> str:
        if tools and "tools" not in self.source:
            raise DataError("template.no_tools", example=names.file_of("chatml"))
        if self._text_render and not tools and not any("tool_calls" in turn for turn in turns):
            return self._text_render(turns, generation)
        return render(self.tokenizer, self.source, turns, generation, tools, self._options)

    @cached_property
    def _text_render(self) -> TextRender | None:
        return text_render(self.tokenizer, self.source, self._options)

    @cached_property
    def _options(self) -> dict[str, Any]:
        return {} if self.thinking is None else dict.fromkeys(switches_of(self.source), self.thinking)

    @cached_property
    def _call_form(self) -> CallForm | None:
        return form_of(self.tokenizer, self.source)

    def _answer_text(self, prompt: str, rendered: str, answer: Message) -> str:
        """The answer as the template writes it, or as it stands where the template would change it.

        Where the prompt opens a thought, templates write answers as if it had not.
        """
        for shown in dict.fromkeys((prompt, before_thought(prompt))):
            if rendered.startswith(shown):
                written = self._written(rendered[len(shown) :], answer)
                if written is not None:
                    return written if shown == prompt else continued(prompt, written)
        if answer.tool_calls:
            raise DataError("template.no_calls", example=names.file_of("chatml"))
        return continued(prompt, answer.content.strip())

    def _written(self, rest: str, answer: Message) -> str | None:
        """The answer in `rest`, which the template wrote behind the prompt; None if it isn't all there."""
        thought, said = split_thought(answer.content)
        start = rest.find(said)
        behind = start + len(said)
        for call in answer.tool_calls:
            place = rest.find(call.name, behind if said else 0)
            behind = max(behind, place + len(call.name)) if place >= 0 else -1
        if start < 0 or behind < 0:
            return None
        end = self._end_in(rest, said, behind, calls=bool(answer.tool_calls))
        inner = thought.replace(OPEN, "").replace(CLOSE, "").strip()
        place = rest.find(inner, 0, end)
        if place >= 0 and rest.find(said, place + len(inner), end) >= 0:
            return rest[:end]
        return thought + rest[start:end].removeprefix(CLOSE)

    def _end_in(self, rest: str, said: str, behind: int, *, calls: bool) -> int:
        """Where an answer ends that says `said`, and whose last part ends at `behind` or later.

        A text may hold the end-of-turn token itself, so the last one counts; behind calls some
        templates write an empty turn, so there the first one does. Where the template writes no
        end, or another one than the token that is trained, the answer ends with its text.
        """
        end = text_of(self.tokenizer, self.end_of_turn)
        place = rest.find(end, behind) if calls else rest.rfind(end)
        if place >= behind:
            return place
        return len(rest.rstrip()) if calls else rest.rfind(said) + len(said)


def _system_default(text: str) -> str:
    """Jinja text that begins conversations without a system text with one."""
    turn = f"[{{'role': 'system', 'content': {json.dumps(text)}}}]"
    return (
        "{%- if messages and messages[0]['role'] != 'system' -%}"
        f"{{%- set messages = {turn} + messages -%}}{{%- endif -%}}"
    )


def _default(name: str, value: bool) -> str:
    """Jinja text that gives a variable a value where nobody else did."""
    return f"{{%- if {name} is not defined -%}}{{%- set {name} = {str(value).lower()} -%}}{{%- endif -%}}"
