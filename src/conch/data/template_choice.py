"""Which Jinja template writes a model's conversations, and which token ends a turn in it."""

from __future__ import annotations

from pathlib import Path

from conch.core.errors import DataError, ModelError
from conch.core.notice import Notice
from conch.data import template_names as names
from conch.data.rendering import PROBE, render
from conch.data.thoughts import CLOSE, OPEN
from conch.data.tokenizer import Tokenizer, end_of_text, text_of


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
    used = text_of(tokenizer, end_of_text(tokenizer))
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
    turns = [{"role": role, "content": PROBE} for role in ("user", "assistant", "user")]
    try:
        text = render(tokenizer, source, turns, True, ())
    except DataError:
        return None
    written = "".join(text[text.find(PROBE) :].split())
    return written.replace(OPEN, "").replace(CLOSE, "")


def end_of_turn(tokenizer: Tokenizer, source: str) -> tuple[int, str]:
    """The first special token that the template writes after an answer, else the end of text.

    With it the plain text, if any, that stands there instead of a special token.
    """
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": PROBE}]
    try:
        after = render(tokenizer, source, turns, False, ()).partition(PROBE)[2]
    except DataError:
        after = ""
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    for token in tokenizer.encode(after, add_special_tokens=False):
        if not str(tokenizer.decode([token])).strip():
            continue
        if token in special:
            return int(token), ""
        return end_of_text(tokenizer), after.strip()  # what follows plain text is another turn's
    return end_of_text(tokenizer), ""
