"""Tokens beside the text that they make: for log-probabilities that never show what the text does not."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

from conch.data.tokenizer import Tokenizer
from conch.inference.engine import Alternatives, Piece

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True)
class Mark:
    """A token of an answer. `start` is where its text begins, in characters of the whole."""

    token: int
    start: int
    logprob: float | None
    top: Alternatives = ()


class Marks:
    """Holds tokens back until their text is shown."""

    def __init__(self) -> None:
        self._held: deque[tuple[Mark, int]] = deque()
        self._made = 0
        self._shown = 0

    def push(self, piece: Piece, text: str, shown: str) -> tuple[Mark, ...]:
        """The tokens to show after `piece` brought `text`, of which all in all `shown` more is shown."""
        if piece.token is not None and piece.logprob is not None:
            mark = Mark(piece.token, self._made, piece.logprob, piece.top)
            self._held.append((mark, self._made + len(text)))
        self._made += len(text)
        self._shown += len(shown)
        given = []
        while self._held and self._is_shown(*self._held[0]):
            given.append(self._held.popleft()[0])
        return tuple(given)

    def _is_shown(self, mark: Mark, end: int) -> bool:
        """Whether all of its text is; one without text waits for the character that it is a part of."""
        return mark.start < self._shown and end <= self._shown

    def rest(self) -> tuple[Mark, ...]:
        """The others, at the end of an answer that is shown whole."""
        return tuple(mark for mark, _ in self._held)


def token_text(tokenizer: Tokenizer, token: int) -> str:
    return str(tokenizer.decode([token], skip_special_tokens=False))


def token_bytes(tokenizer: Tokenizer, token: int) -> bytes:
    """The bytes of a token, also where they are but a part of a character."""
    text = token_text(tokenizer, token)
    if "\ufffd" not in text:
        return text.encode("utf-8", "replace")
    written = str(tokenizer.convert_ids_to_tokens(token))
    found = _BYTE.fullmatch(written)
    if found:
        return bytes([int(found[1], 16)])
    if all(letter in BYTES_BY_LETTER for letter in written):
        return bytes(BYTES_BY_LETTER[letter] for letter in written)
    return text.encode()


def _letters() -> dict[str, int]:
    """How byte-level BPE writes bytes as letters: printable ones as they are, the others from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + n): byte for n, byte in enumerate(others)}


BYTES_BY_LETTER = _letters()
