"""Conversations as the model reads them: the one place where text for training and for serving is made.

It works around the tokenizer's own Jinja chat template. An assistant turn is what the model
would be shown at inference (the history, rendered with the generation prompt), then the
answer, then the end-of-turn token. It does not decide which tokens are trained.

One rule for thoughts (text between <think> and </think>), the same in training, chat and serving:

1. `thinking` (the key `enable_thinking`) is handed to a template that asks for such a switch.
   Unset, the template does what it does by itself.
2. A thought in an answer is trained in its own turn, also where the template leaves it out. In
   the history it stands, or doesn't, as the template writes it.
3. An answer without a thought is trained as the template writes it, its empty thought included.
   Where the prompt itself opens a thought (R1-style), the answer first closes it: "\\n</think>\\n\\n".
4. With thinking off, answers have no thoughts: those of the data are cut out, and a thought that
   the prompt opens is closed by the prompt, so that an empty thought is given and not trained.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jinja2 import TemplateError

from conch.core.conversation import Message, ToolCall
from conch.core.errors import DataError, ModelError
from conch.core.notice import Notice
from conch.data import template_names as names

_PROBE = "conch-probe"
_CALL = "conch_probe_call"
_SAMPLE = " The magic conch:\n\n 1.  海螺 é😀<|x|>\tdon't\n"
"""Text in which tokenizers differ."""
_OPEN, _CLOSE = "<think>", "</think>"
_SWITCHES = {
    name: re.compile(rf"(?<![\w.]){name}\s+is\s+(not\s+)?defined") for name in ("enable_thinking", "thinking")
}
"""What templates call the switch for thoughts, and how one that asks for it can be told."""
_NULLS = (
    "{%- set with_nulls = namespace(messages=[]) -%}{%- for message in messages -%}"
    "{%- set whole = message if 'content' in message else dict(message, content=none) -%}"
    "{%- set with_nulls.messages = with_nulls.messages + [whole] -%}"
    "{%- endfor -%}{%- set messages = with_nulls.messages -%}"
)
"""Jinja text that puts contents of null back, which transformers takes out of every message."""


class Tokenizer(Protocol):
    """What is asked of a transformers tokenizer here."""

    chat_template: str | dict[str, str] | None
    eos_token_id: int | None
    all_special_ids: list[int]
    added_tokens_decoder: dict[int, Any]
    """Every token outside of the ordinary vocabulary; some models list theirs here only."""

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...
    def encode(self, text: str, **options: Any) -> list[int]: ...
    def decode(self, token_ids: Any, **options: Any) -> Any: ...
    def convert_ids_to_tokens(self, ids: Any) -> Any: ...


class CallForm(NamedTuple):
    """How calls of functions are handed to a template; not all read the same form."""

    with_ids: bool = False
    """Calls without an id get one of nine digits, as Mistral's templates want."""
    as_text: bool = False
    """Arguments come as JSON text, rather than as values."""
    null_content: bool = False
    """A turn of calls alone has null for a content, by which DeepSeek's older templates tell calls."""


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
        end, plain = _end_of_turn(tokenizer, source)
        if plain and given and names.is_file(given):
            used = _text_of(tokenizer, end)
            notices = (*notices, Notice("template.plain_end", {"end": plain, "used": used}))
        return ChatTemplate(tokenizer, source, end, thinking, notices)

    @staticmethod
    def for_text(tokenizer: Tokenizer) -> ChatTemplate:
        """For plain text, which needs no chat template: the end of text ends a document."""
        return ChatTemplate(tokenizer, "", _end_of_text(tokenizer))

    def render(
        self, messages: Iterable[Message], *, generation: bool = True, tools: Sequence[Any] = ()
    ) -> str:
        """The text of `messages`, with the prompt for an answer if `generation`."""
        shown = [self._shown(message) for message in messages]
        text = self._render(self._turns(shown), generation, tools)
        if generation and self.thinking is False and _opens_thought(text):
            return text + _closing(text)
        return text

    def turn(self, history: Sequence[Message], answer: Message, tools: Sequence[Any] = ()) -> tuple[str, str]:
        """The prompt after `history` and the text of `answer` behind it, without the end-of-turn token."""
        prompt = self.render(history, tools=tools)
        rendered = self.render([*history, answer], generation=False, tools=tools)
        return prompt, self._answer_text(prompt, rendered, self._shown(answer))

    def prompt_ids(self, messages: Sequence[Message], tools: Sequence[Any] = ()) -> list[int]:
        """The token ids that the model is shown before it answers: in training and at inference."""
        return self.encode(self.render(messages, tools=tools))

    def answer_ids(self, history: Sequence[Message], answer: Message, tools: Sequence[Any] = ()) -> list[int]:
        """The token ids that the model should answer with after `history`, end-of-turn token included."""
        return Encoder(self).turn(*self.turn(history, answer, tools))[1]

    def encode(self, text: str) -> list[int]:
        """Token ids of `text` as it stands: the template writes every special token itself."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def text_ids(self, text: str) -> list[int]:
        """Token ids of raw text: begun with the beginning-of-text token where the tokenizer begins so."""
        return [*self._text_start, *Encoder(self).read(text)]

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
        if self.thinking or not _opens_thought(prompt):
            return source
        asked = "add_generation_prompt and not (enable_thinking is defined and enable_thinking)"
        return f"{source}{{%- if {asked} -%}}{{{{- {json.dumps(_closing(prompt))} -}}}}{{%- endif -%}}"

    def stop_ids(self, also: Iterable[int] = ()) -> frozenset[int]:
        """Tokens that end an answer: the end-of-turn token, the end of text, and the model's own `also`."""
        end_of_text = self.tokenizer.eos_token_id
        return frozenset({self.end_of_turn, *also, *([] if end_of_text is None else [end_of_text])})

    @cached_property
    def quick(self) -> bool:
        """Whether the tokenizer's own core gives the same ids without transformers around it.

        It is half again as fast, since nobody here asks for offsets and masks.
        """
        core: Any = getattr(self.tokenizer, "backend_tokenizer", None)
        if not hasattr(core, "encode_batch_fast"):
            return False
        return bool(
            self.encode(_SAMPLE) == core.encode_batch_fast([_SAMPLE], add_special_tokens=False)[0].ids
        )

    @cached_property
    def special_ids(self) -> frozenset[int]:
        """Tokens that are taken out of a text before anything else is read."""
        return frozenset({*self.tokenizer.all_special_ids, *self.tokenizer.added_tokens_decoder})

    def _shown(self, message: Message) -> Message:
        """The message as far as thoughts are wanted."""
        if self.thinking is not False or message.role != "assistant" or _CLOSE not in message.content:
            return message
        return replace(message, content=_split_thought(message.content)[1])

    def _turns(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        if not any(message.tool_calls for message in messages):
            return [message.to_template() for message in messages]
        if self._call_form is None:
            raise DataError("template.no_calls", example=names.file_of("chatml"))
        return _formed(messages, self._call_form)

    def _render(self, turns: list[dict[str, Any]], generation: bool, tools: Sequence[Any]) -> str:
        if tools and "tools" not in self.source:
            raise DataError("template.no_tools", example=names.file_of("chatml"))
        return _render(self.tokenizer, self.source, turns, generation, tools, self._options)

    @cached_property
    def _options(self) -> dict[str, Any]:
        if self.thinking is None:
            return {}
        return {name: self.thinking for name, form in _SWITCHES.items() if form.search(self.source)}

    @cached_property
    def _call_form(self) -> CallForm | None:
        """The first form of calls that the template writes out whole; None where it writes none."""
        call = Message("assistant", "", tool_calls=(ToolCall(_CALL, {_PROBE: _PROBE}),))
        probe = [Message("user", "?"), call, Message("tool", _PROBE, name=_CALL)]
        for null_content, with_ids, as_text in itertools.product((False, True), repeat=3):
            form = CallForm(with_ids, as_text, null_content)
            try:
                text = _render(self.tokenizer, self.source, _formed(probe, form), False, ())
            except DataError:
                continue
            if _CALL in text and text.count(_PROBE) > 2:
                return form
        return None

    @cached_property
    def _text_start(self) -> list[int]:
        beginning = getattr(self.tokenizer, "bos_token_id", None)
        made = list(self.tokenizer.encode("", add_special_tokens=True))
        return made[:1] if beginning is not None and made[:1] == [beginning] else []

    def _answer_text(self, prompt: str, rendered: str, answer: Message) -> str:
        """The answer as the template writes it, or as it stands where the template would change it.

        Where the prompt opens a thought, templates write answers as if it had not.
        """
        for shown in dict.fromkeys((prompt, _before_thought(prompt))):
            if rendered.startswith(shown):
                written = self._written(rendered[len(shown) :], answer)
                if written is not None:
                    return written if shown == prompt else _continued(prompt, written)
        if answer.tool_calls:
            raise DataError("template.no_calls", example=names.file_of("chatml"))
        return _continued(prompt, answer.content.strip())

    def _written(self, rest: str, answer: Message) -> str | None:
        """The answer in `rest`, which the template wrote behind the prompt; None if it isn't all there."""
        thought, said = _split_thought(answer.content)
        start = rest.find(said)
        behind = start + len(said)
        for call in answer.tool_calls:
            place = rest.find(call.name, behind if said else 0)
            behind = max(behind, place + len(call.name)) if place >= 0 else -1
        if start < 0 or behind < 0:
            return None
        end = self._end_in(rest, said, behind, calls=bool(answer.tool_calls))
        inner = thought.replace(_OPEN, "").replace(_CLOSE, "").strip()
        place = rest.find(inner, 0, end)
        if place >= 0 and rest.find(said, place + len(inner), end) >= 0:
            return rest[:end]
        return thought + rest[start:end].removeprefix(_CLOSE)

    def _end_in(self, rest: str, said: str, behind: int, *, calls: bool) -> int:
        """Where an answer ends that says `said`, and whose last part ends at `behind` or later.

        A text may hold the end-of-turn token itself, so the last one counts; behind calls some
        templates write an empty turn, so there the first one does. Where the template writes no
        end, or another one than the token that is trained, the answer ends with its text.
        """
        end = _text_of(self.tokenizer, self.end_of_turn)
        place = rest.find(end, behind) if calls else rest.rfind(end)
        if place >= behind:
            return place
        return len(rest.rstrip()) if calls else rest.rfind(said) + len(said)


class Encoder:
    """Token ids of texts that grow, as the turns of a conversation do, without reading all of them again.

    Tokenizers take special tokens out of a text before anything else, so what stands before one
    is not changed by what stands behind it.
    """

    def __init__(self, template: ChatTemplate) -> None:
        self._template = template
        self._core: Any = getattr(template.tokenizer, "backend_tokenizer", None) if template.quick else None
        if self._core is not None:  # as transformers does before each text; somebody may have asked for these
            self._core.no_truncation()
            self._core.no_padding()
        self._text = ""
        self._ids: list[int] = []
        """Of the text before the last special token."""

    def turn(self, prompt: str, answer: str) -> tuple[list[int], list[int]]:
        """Token ids of a prompt, and of the answer behind it with the end-of-turn token."""
        prompt_ids = self.ids(prompt)
        together = self.ids(prompt + answer)
        # Tokenisers that mark word starts read the answer rightly only behind its prompt; where
        # a token would straddle the border, inference could never produce it, so it is split.
        kept = together[: len(prompt_ids)] == prompt_ids
        answer_ids = together[len(prompt_ids) :] if kept else self.read(answer)
        return prompt_ids, [*answer_ids, self._template.end_of_turn]

    def read(self, text: str) -> list[int]:
        """Token ids of `text` by itself."""
        if self._core is None:
            return self._template.encode(text)
        ids: list[int] = self._core.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return ids

    def ids(self, text: str) -> list[int]:
        grown = bool(self._text) and text.startswith(self._text)
        before, rest = (self._ids, text[len(self._text) :]) if grown else ([], text)
        ids = [*before, *self.read(rest)]
        self._remember(text, ids)
        return ids

    def _remember(self, text: str, ids: list[int]) -> None:
        special = self._template.special_ids
        last = next((i for i in range(len(ids) - 1, 0, -1) if ids[i] in special), 0)
        place = text.rfind(_text_of(self._template.tokenizer, ids[last])) if last else -1
        if place > 0:
            self._text, self._ids = text[:place], ids[:last]


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


def _split_thought(content: str) -> tuple[str, str]:
    """A content as its thought, with its marks and the space behind, and what is said."""
    content = content.strip()
    place = content.rfind(_CLOSE)
    if place < 0:
        return "", content
    said = content[place + len(_CLOSE) :].lstrip()
    return content[: len(content) - len(said)], said


def _opens_thought(prompt: str) -> bool:
    return prompt.rstrip().endswith(_OPEN)


def _before_thought(prompt: str) -> str:
    return prompt.rstrip().removesuffix(_OPEN) if _opens_thought(prompt) else prompt


def _closing(prompt: str) -> str:
    """What makes the thought that a prompt opens an empty one."""
    return f"{'' if prompt.endswith(chr(10)) else chr(10)}\n{_CLOSE}\n\n"


def _continued(prompt: str, answer: str) -> str:
    """An answer behind a prompt that may have opened its thought already."""
    if not _opens_thought(prompt):
        return answer
    if _CLOSE not in answer:
        return _closing(prompt) + answer
    answer = answer.removeprefix(_OPEN)
    return answer.lstrip("\n") if prompt.endswith("\n") else answer


def _formed(messages: Sequence[Message], form: CallForm) -> list[dict[str, Any]]:
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


def template_source(tokenizer: Tokenizer, given: str | None) -> tuple[str, tuple[Notice, ...]]:
    """The Jinja text to use, and what the user should know of the choice.

    A file is used as it is. A name stands for a template that is kept, for tokenizers that have
    none: a model's own always wins, with a notice where the name asks for another one.
    """
    if given and names.is_file(given):
        return names.read_file(Path(given)), ()
    own = tokenizer.chat_template
    if isinstance(own, dict):  # several templates under one roof, such as one for tool use
        own = own.get("default")
    if not given:
        if not own:
            raise ModelError("models.no_template", known=", ".join(names.kept()))
        return own, ()
    family = names.family_of(given)
    if own:
        return own, _compared(tokenizer, own, given, family)
    if family is None:
        raise ModelError("template.not_kept", name=given, known=", ".join(names.kept()))
    return _fitted(tokenizer, names.read_file(names.file_of(family)))


def _fitted(tokenizer: Tokenizer, source: str) -> tuple[str, tuple[Notice, ...]]:
    """A kept template, ended by the end of text where the tokenizer lacks its end-of-turn token."""
    end = names.end_of(source)
    if end is None or len(tokenizer.encode(end, add_special_tokens=False)) == 1:
        return source, ()
    used = _text_of(tokenizer, _end_of_text(tokenizer))
    return names.ended_by_eos(source), (Notice("template.no_end_token", {"end": end, "used": used}),)


def _compared(tokenizer: Tokenizer, own: str, given: str, family: str | None) -> tuple[Notice, ...]:
    """A notice where the template of `family` writes a conversation in another way than the model's own."""
    if family is None:
        return (Notice("template.not_compared", {"name": given}),)
    file = names.file_of(family)
    if _manner(tokenizer, own) == _manner(tokenizer, names.read_file(file)):
        return ()
    return (Notice("template.own_wins", {"name": given, "file": file}),)


def _manner(tokenizer: Tokenizer, source: str) -> str | None:
    """How a template writes turns: a short conversation from its first text on, spaces and thoughts aside."""
    turns = [{"role": role, "content": _PROBE} for role in ("user", "assistant", "user")]
    try:
        text = _render(tokenizer, source, turns, True, ())
    except DataError:
        return None
    written = "".join(text[text.find(_PROBE) :].split())
    return written.replace(_OPEN, "").replace(_CLOSE, "")


def _render(
    tokenizer: Tokenizer,
    source: str,
    turns: list[dict[str, Any]],
    generation: bool,
    tools: Sequence[Any],
    options: dict[str, Any] | None = None,
) -> str:
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
        roles = ", ".join(turn["role"] for turn in turns)
        raise DataError("data.template_refused", roles=roles, reason=error) from error
    return text


def _text_of(tokenizer: Tokenizer, token: int) -> str:
    return str(tokenizer.convert_ids_to_tokens(token))


def _end_of_text(tokenizer: Tokenizer) -> int:
    if tokenizer.eos_token_id is None:
        raise ModelError("models.no_end_of_turn")
    return int(tokenizer.eos_token_id)


def _end_of_turn(tokenizer: Tokenizer, source: str) -> tuple[int, str]:
    """The first special token that the template writes after an answer, else the end of text.

    With it the plain text, if any, that stands there instead of a special token.
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]
    try:
        after = _render(tokenizer, source, turns, False, ()).partition(_PROBE)[2]
    except DataError:
        after = ""
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    for token in tokenizer.encode(after, add_special_tokens=False):
        if not str(tokenizer.decode([token])).strip():
            continue
        if token in special:
            return int(token), ""
        return _end_of_text(tokenizer), after.strip()  # what follows plain text is another turn's
    return _end_of_text(tokenizer), ""
