"""Where a text can be cut so that its pieces are read as if it were whole.

Tokenizers take added tokens out of a text before anything else. So what stands before one is not
changed by what stands behind it, and a piece may begin with each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

_BEGINNING = 3
"""Letters by which tokens are told apart before they are compared."""


class Cuts:
    """Finds `tokens` in texts as tokenizers do: from the left, and of several the longest.

    They are looked up by how they begin, since a model may have thousands of them.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = frozenset(tokens)
        self._begin = min([_BEGINNING, *map(len, self.tokens)])
        self._lengths: dict[str, list[int]] = {}
        """Beginning to the lengths of the tokens that begin so, the longest first."""
        for length, beginning in sorted({(len(t), t[: self._begin]) for t in self.tokens}, reverse=True):
            self._lengths.setdefault(beginning, []).append(length)
        firsts = sorted(map(re.escape, _firsts(self.tokens)))
        self._first = re.compile("|".join(firsts) if firsts else r"(?!)")

    @staticmethod
    def of(added: Iterable[Any]) -> Cuts:
        """Of a tokenizer's added tokens those that don't depend on what stands before them.

        One that takes the white space in front of it does, and so does one that is looked for
        between words, or in normalised text. If such a one could begin in front of another, none is left.
        """
        early = [token for token in added if token.content and not token.normalized]
        tokens = {token.content for token in early if not (token.lstrip or token.single_word)}
        firsts = _firsts(tokens)
        others = (set(token.content) for token in early if token.content not in tokens)
        return Cuts(() if any(firsts & letters for letters in others) else tokens)

    def pieces(self, text: str) -> list[str]:
        """`text` in pieces, each but the first begun by a token."""
        starts = [0, *(place for place in self._places(text) if place)]
        return [text[start:end] for start, end in pairwise([*starts, len(text)])]

    def _places(self, text: str) -> Iterator[int]:
        end = 0
        for found in self._first.finditer(text):
            at = found.start()
            for length in self._lengths.get(text[at : at + self._begin], ()) if at >= end else ():
                if text[at : at + length] in self.tokens:
                    yield at
                    end = at + length
                    break


def _firsts(tokens: Iterable[str]) -> set[str]:
    return {token[0] for token in tokens}
