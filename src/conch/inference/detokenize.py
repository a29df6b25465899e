"""Token by token → text, never showing half a character."""

from __future__ import annotations

from collections.abc import Sequence

from conch.data.tokenizer import TokenReader

_UNFINISHED = "\ufffd"
WINDOW = 8
"""Tokens decoded along. Dropping all but the last at every token would take two decodings for each."""


class Detokenizer:
    """Turns a growing list of tokens into pieces of text that add up to the decoding of the whole.

    Earlier tokens are decoded along, so that spaces and joined letters come out as in one go; bytes
    of a character that is not complete yet are held back.
    """

    def __init__(self, reader: TokenReader, *, show_special: bool = False) -> None:
        self._reader = reader
        self._special = show_special
        self._tokens: list[int] = []
        self._shown = 0
        self._before = ""

    def push(self, token: int) -> str:
        """The text that `token` completes; empty while a character is unfinished."""
        self._tokens.append(token)
        text = self._decode(self._tokens)
        if text.endswith(_UNFINISHED) or len(text) <= len(self._before):
            return ""
        return self._show(text)

    def flush(self) -> str:
        """What was held back, at the end of the answer."""
        if self._shown == len(self._tokens):
            return ""
        return self._show(self._decode(self._tokens))

    def _show(self, text: str) -> str:
        """What of `text`, which all tokens of the window make, was not shown. The window moves on."""
        new = text[len(self._before) :]
        self._before = text
        if len(self._tokens) > WINDOW:
            del self._tokens[: self._shown]
            self._before = self._decode(self._tokens)
        self._shown = len(self._tokens)
        return new

    def _decode(self, tokens: list[int]) -> str:
        return self._reader.text(tokens, special=self._special) if tokens else ""


def pieces_of(reader: TokenReader, tokens: Sequence[int]) -> list[str]:
    """The text that each token completes, special tokens shown; empty for the first parts of a character."""
    detokenizer = Detokenizer(reader, show_special=True)
    pieces = [detokenizer.push(token) for token in tokens]
    return [*pieces[:-1], pieces[-1] + detokenizer.flush()] if pieces else []
