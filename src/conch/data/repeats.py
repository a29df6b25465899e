"""Rows that are there twice: word for word, nearly, or in the evaluation rows as well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conch.core.errors import RowError
from conch.core.text import tr
from conch.data.near import NearDuplicates
from conch.data.rules import Look, Rule

_MOST = 2_000_000
"""How many rows are remembered. Later ones are still compared with these."""


def evaluation_rule(evaluated: Iterable[Look]) -> Rule:
    """The same question as in a row that the model is to be evaluated on."""
    asked: dict[int, tuple[str, int]] = {}
    for look in evaluated:
        if len(asked) < _MOST:
            asked.setdefault(_question(look), (look.origin.file, look.origin.row))

    def rule(look: Look) -> Iterator[RowError]:
        found = asked.get(_question(look))
        if found is not None:
            yield look.error("check.in_eval", other=_place(look, *found))

    return rule


def _question(look: Look) -> int:
    return hash((look.asked or look.text).strip())


class RepeatRule:
    """The same turns as in an earlier row, or nearly the same text. Near ones are told a block later."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[str, int]] = {}
        self._near = NearDuplicates()
        self._waiting: list[Look] = []
        self._places: list[tuple[str, int]] = []

    def __call__(self, look: Look) -> Iterator[RowError]:
        mark = hash((look.text.strip(), look.turns[0].content if look.turns else ""))
        earlier = self._seen.get(mark)
        if earlier is not None:
            yield look.error("check.duplicate", other=_place(look, *earlier))
            return
        if len(self._seen) < _MOST:
            self._seen[mark] = (look.origin.file, look.origin.row)
        self._waiting.append(look)
        if len(self._waiting) >= NearDuplicates.BLOCK:
            yield from self.rest()

    def rest(self) -> Iterator[RowError]:
        """What is found in the rows that wait."""
        looks, self._waiting = self._waiting, []
        self._places += [(look.origin.file, look.origin.row) for look in looks]
        for look, earlier in zip(looks, self._near.block([look.text for look in looks]), strict=True):
            if earlier is not None:
                index, share = earlier
                other = _place(look, *self._places[index])
                yield look.error("check.near_duplicate", other=other, share=round(100 * share))


def _place(look: Look, file: str, row: int) -> str:
    """An earlier row, its file named only where it is another one."""
    return tr("check.row", row=row) if file == look.origin.file else tr("check.row_of", file=file, row=row)
