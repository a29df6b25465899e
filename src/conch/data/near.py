"""Nearly equal texts, found in linear time and bounded memory: MinHash over shingles of letters.

A text's shingles are its runs of letters, spaces left out. Its signature is, for each
of a number of hash functions, the smallest hash of its shingles; the share of equal places of
two signatures estimates the Jaccard similarity of their shingles (Broder 1997). Signatures that
agree in a whole band of places are compared; everything else never meets (Leskovec et al.,
Mining of Massive Datasets, 3.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

_SHINGLE = 5
"""Letters in a shingle."""
_SHORTEST = 40
"""Shorter texts are alike by chance."""
_LONGEST = 4000
"""Letters of a text that are looked at."""
_BANDS, _ROWS = 10, 6
_ALIKE = 0.85
_REMEMBERED = 200_000
"""Rows that later ones are compared with: the latest."""
_SLOTS = 2**18


class NearDuplicates:
    """Remembers texts and tells which are nearly equal to an earlier one."""

    BLOCK: ClassVar = 256

    def __init__(self) -> None:
        import numpy as np

        chance = np.random.default_rng(1)
        places = _BANDS * _ROWS
        self._factors = chance.integers(1, 2**32, places, dtype=np.uint32) | np.uint32(1)
        self._offsets = chance.integers(0, 2**32, places, dtype=np.uint32)
        self._signatures = np.zeros((_REMEMBERED, places), np.uint16)
        self._latest = np.zeros((_BANDS, _SLOTS), np.int64)
        """The number of the latest text in a slot, plus 1; memory that nobody used yet costs nothing."""
        self._bands = np.arange(_BANDS)
        self._count = 0

    def block(self, texts: Sequence[str]) -> list[tuple[int, float] | None]:
        """For each text the number (from 0) of an earlier one that it is nearly equal to, and how nearly."""
        plain = ["".join(text[:_LONGEST].lower().split()) for text in texts]
        kept = [text for text in plain if len(text) >= _SHORTEST]
        signatures = self._sign(kept) if kept else []
        signed = zip(signatures, _slots(signatures), strict=True) if kept else iter(())
        return [self._place(*(next(signed) if len(text) >= _SHORTEST else (None, None))) for text in plain]

    def _place(self, short: Any, slots: Any) -> tuple[int, float] | None:
        """Look for an earlier text like this one, and remember it. A short text has no signature."""
        import numpy as np

        if short is None:
            self._count += 1
            return None
        oldest = max(0, self._count - _REMEMBERED)
        met = {int(n) - 1 for n in self._latest[self._bands, slots] if n > oldest}
        found = None
        for number in sorted(met):
            same = np.count_nonzero(self._signatures[number % _REMEMBERED] == short)
            share = float(same) / len(short)
            if share >= _ALIKE and (found is None or share > found[1]):
                found = number, share
        self._signatures[self._count % _REMEMBERED] = short
        self._count += 1
        self._latest[self._bands, slots] = self._count
        return found

    def _sign(self, texts: Sequence[str]) -> Any:
        """The signatures of `texts`, shape [texts, places]."""
        import numpy as np

        letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
        hashes = np.zeros(len(letters) - _SHINGLE + 1, np.uint32)
        for i in range(_SHINGLE):
            hashes = hashes * np.uint32(0x01000193) + letters[i : len(letters) - _SHINGLE + 1 + i]
        hashes ^= hashes >> np.uint32(15)
        lengths = np.array([len(text) for text in texts])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        # a shingle across the border of two texts belongs to neither: it takes the hash of the last whole one
        for start in starts[1:]:
            hashes[start - _SHINGLE + 1 : start] = hashes[start - _SHINGLE]
        signatures = np.empty((len(texts), len(self._factors)), np.uint16)
        for i, (factor, offset) in enumerate(zip(self._factors, self._offsets, strict=True)):
            mixed = hashes * factor + offset
            mixed ^= mixed >> np.uint32(16)
            signatures[:, i] = np.minimum.reduceat(mixed, starts)
        return signatures


def _slots(signatures: Any) -> Any:
    """The slot of each band of each signature, shape [texts, bands]."""
    import numpy as np

    bands = signatures.reshape(len(signatures), _BANDS, _ROWS).astype(np.uint64)
    slots = np.zeros(bands.shape[:2], np.uint64)
    for place in range(_ROWS):
        slots = (slots ^ bands[:, :, place]) * np.uint64(0x9E3779B97F4A7C15)
    return (slots >> np.uint64(40)) % np.uint64(_SLOTS)
