"""Conversations as the model reads them: the one place where text for training and for serving is made.

It works around the tokenizer's own Jinja chat template. An assistant turn is what the model
would be shown at inference (the history, rendered with the generation prompt), then the
answer, then the end-of-turn token. It does not decide which tokens are trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jinja2 import TemplateError

from conch.core.conversation import Message
from conch.core.errors import DataError, ModelError

_PROBE = "conch-probe"
_THINK = "<think>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


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


@dataclass(frozen=True)
class ChatTemplate:
    """A tokenizer's way of writing conversations.

    `source` is the Jinja text, `end_of_turn` the token that ends an assistant turn.
    """

    tokenizer: Tokenizer = field(repr=False)
    source: str = field(repr=False)
    end_of_turn: int

    @staticmethod
    def of(tokenizer: Tokenizer, given: str | None = None) -> ChatTemplate:
        """The template of `tokenizer`: its own, or the one in the Jinja file `given`.

        Raises ModelError where there is none or it has no end-of-turn token.
        """
        source = template_source(tokenizer, given)
        return ChatTemplate(tokenizer, source, _end_of_turn(tokenizer, source))

    def render(
        self, messages: Iterable[Message], *, generation: bool = True, tools: Sequence[Any] = ()
    ) -> str:
        """The text of `messages`, with the prompt for an answer if `generation`."""
        turns = [message.to_template() for message in messages]
        return _render(self.tokenizer, self.source, turns, generation, tools)

    def prompt_ids(self, messages: Sequence[Message], tools: Sequence[Any] = ()) -> list[int]:
        """The token ids that the model is shown before it answers: in training and at inference."""
        return self.encode(self.render(messages, tools=tools))

    def answer_ids(self, history: Sequence[Message], answer: Message, tools: Sequence[Any] = ()) -> list[int]:
        """The token ids that the model should answer with after `history`, end-of-turn token included."""
        prompt = self.render(history, tools=tools)
        text = self._answer_text(prompt, history, answer, tools)
        prompt_ids = self.encode(prompt)
        together = self.encode(prompt + text)
        # Tokenisers that mark word starts read the answer rightly only behind its prompt; where
        # a token would straddle the border, inference could never produce it, so it is split.
        kept = together[: len(prompt_ids)] == prompt_ids
        return [*(together[len(prompt_ids) :] if kept else self.encode(text)), self.end_of_turn]

    def _answer_text(
        self, prompt: str, history: Sequence[Message], answer: Message, tools: Sequence[Any]
    ) -> str:
        """The answer as the template writes it, or as it stands where the template would change it."""
        rendered = self.render([*history, answer], generation=False, tools=tools)
        content = answer.content.strip()
        if rendered.startswith(prompt):
            written = rendered[len(prompt) :]
            start = written.find(content)
            end = written.find(self._end_text(), start + len(content)) if start >= 0 else -1
            if end >= 0:
                return written[:end]
            if start >= 0:  # the template writes no end, or another one, than the token that is trained
                return written[: written.rfind(content) + len(content)]
        return _after_opened_thought(prompt, content)

    def _end_text(self) -> str:
        return str(self.tokenizer.convert_ids_to_tokens(self.end_of_turn))

    def encode(self, text: str) -> list[int]:
        """Token ids of `text` as it stands: the template writes every special token itself."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def stop_ids(self, also: Iterable[int] = ()) -> frozenset[int]:
        """Tokens that end an answer: the end-of-turn token, the end of text, and the model's own `also`."""
        end_of_text = self.tokenizer.eos_token_id
        return frozenset({self.end_of_turn, *also, *([] if end_of_text is None else [end_of_text])})


def _after_opened_thought(prompt: str, content: str) -> str:
    """The answer where a prompt that ends in an opened thought (R1-style) has begun it already."""
    if not prompt.rstrip().endswith(_THINK):
        return content
    if content.startswith(_THINK):
        return content.removeprefix(_THINK).lstrip("\n")
    return f"\n</think>\n\n{content}"


def template_source(tokenizer: Tokenizer, given: str | None) -> str:
    """The Jinja text to use: the file `given`, `chatml` by name, or the tokenizer's own."""
    if given and (given.endswith((".jinja", ".jinja2", ".txt")) or "/" in given):
        try:
            return Path(given).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError("models.template_file", file=given) from error
    own = tokenizer.chat_template
    if isinstance(own, dict):  # several templates under one roof, such as one for tool use
        own = own.get("default")
    if own:
        return own
    if given == "chatml":
        return CHATML
    raise ModelError("models.no_template")


def _render(
    tokenizer: Tokenizer, source: str, turns: list[dict[str, Any]], generation: bool, tools: Sequence[Any]
) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            turns,
            chat_template=source,
            add_generation_prompt=generation,
            tokenize=False,
            tools=list(tools) or None,
        )
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in turns)
        raise DataError("data.template_refused", roles=roles, reason=error) from error
    return text


def _end_of_turn(tokenizer: Tokenizer, source: str) -> int:
    """The first special token that the template writes after an answer, else the end of text."""
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
            return int(token)
        break  # plain text comes first: what follows is another turn's
    if tokenizer.eos_token_id is None:
        raise ModelError("models.no_end_of_turn")
    return int(tokenizer.eos_token_id)
