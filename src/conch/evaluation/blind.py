"""Answers side by side for a reader who must not know whose they are, and the count of what was chosen."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Side = Literal["a", "b"]
Choice = Literal["left", "right", "tie"]


@dataclass(frozen=True)
class Pair:
    """`left_is` is whose answer stands on the left; `shown` leaves that out."""

    row: int
    prompt: str
    left: str
    right: str
    left_is: Side

    def shown(self) -> dict[str, Any]:
        return {"row": self.row, "prompt": self.prompt, "left": self.left, "right": self.right}

    def winner(self, choice: Choice) -> Literal["a", "b", "tie"]:
        """Whose answer was chosen."""
        if choice == "tie":
            return "tie"
        other: Side = "b" if self.left_is == "a" else "a"
        return self.left_is if choice == "left" else other


def pairs(rows: Sequence[tuple[int, str, str, str]], seed: int) -> list[Pair]:
    """Of (row, prompt, answer of a, answer of b), those that differ; order and sides are drawn by `seed`."""
    draw = random.Random(seed)
    found = []
    for row, prompt, a, b in rows:
        left: Side = draw.choice(("a", "b"))
        if a != b:
            found.append(Pair(row, prompt, *((a, b) if left == "a" else (b, a)), left))
    draw.shuffle(found)
    return found


def votes(shown: Sequence[Pair], chosen: Mapping[int, Choice]) -> list[Literal["a", "b", "tie"]]:
    """Whose answers were chosen, of the rows that have a choice."""
    return [pair.winner(chosen[pair.row]) for pair in shown if pair.row in chosen]
