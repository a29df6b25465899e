"""An answer's text as what it means: what is thought, what is said, which functions are called.

Pieces may be cut anywhere. What might be the beginning of a mark is held back until that is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from conch.data.thoughts import CLOSE, OPEN
from conch.inference.calls import CallWriting
from conch.inference.stops import overlap


@dataclass(frozen=True)
class Fragment:
    """A piece of meaning. `call` begins call number `call` of function `text`; `arguments` go on with it."""

    kind: Literal["said", "thought", "call", "arguments"]
    text: str
    call: int = 0


class ThoughtReader:
    """Parts the thought that an answer begins with from what is said.

    The space around the thought belongs to neither. `inside` says that the prompt opened it.
    """

    def __init__(self, inside: bool = False) -> None:
        self._state: Literal["begin", "thought", "behind", "said"] = "thought" if inside else "begin"
        self._held = ""
        self._begun = False

    def push(self, text: str, *, last: bool = False) -> tuple[str, str]:
        """What more is thought and what more is said."""
        self._held += text
        thought = ""
        if self._state == "begin":
            self._begin(last)
        if self._state == "thought":
            thought = self._thought(last)
        if self._state == "behind":
            self._held = self._held.lstrip()
            self._state = "said" if self._held else "behind"
        if self._state != "said":
            return thought, ""
        said, self._held = self._held, ""
        return thought, said

    def _begin(self, last: bool) -> None:
        start = self._held.lstrip()
        if start.startswith(OPEN):
            self._state, self._held = "thought", start.removeprefix(OPEN)
        elif last or not OPEN.startswith(start):
            self._state = "said"

    def _thought(self, last: bool) -> str:
        place = self._held.find(CLOSE)
        if place >= 0:
            inner, self._held = self._held[:place].rstrip(), self._held[place + len(CLOSE) :]
            self._state = "behind"
        elif last:
            inner, self._held = self._held.rstrip(), ""
        else:
            kept = len(self._held) - overlap(self._held, CLOSE)
            inner = self._held[:kept].rstrip()
            self._held = self._held[len(inner) :]
        if self._begun or not inner.strip():
            return inner if self._begun else ""
        self._begun = True
        return inner.lstrip()


class CallReader:
    """Finds calls of `names` in what is said.

    What looks like a call but is none, or calls a function that was not offered, is said as it stands.
    With `single`, what follows the first call is left out.
    """

    def __init__(
        self, writing: CallWriting, names: Collection[str], *, begun: bool = False, single: bool = False
    ) -> None:
        self._writing = writing
        self._names = names
        self._single = single
        self._trigger = writing.opening.strip()
        self._header = re.compile(
            rf'\s*\{{\s*"{re.escape(writing.name_key)}"\s*:\s*"((?:[^"\\]|\\.)*)"\s*,'
            rf'\s*"{re.escape(writing.arguments_key)}"\s*:\s*(?=\{{)'
        )
        self._held = writing.opening if begun else ""
        self._value: _Value | None = None
        self._said = False
        self.calls = 0

    @property
    def begun(self) -> int:
        return self.calls + (self._value is not None)

    def push(self, text: str, *, last: bool = False) -> list[Fragment]:
        self._held += text
        fragments: list[Fragment] = []
        while self._step(fragments, last):
            pass
        return fragments

    def _step(self, fragments: list[Fragment], last: bool) -> bool:
        """Read one thing off what is held; false where more text is needed."""
        if self._value is not None:
            return self._arguments(self._value, fragments)
        if self.calls and self._single:
            self._held = ""
            return False
        place = self._place()
        if place is None:
            if last or not self.calls:  # behind calls stand their marks, and hardly anything else
                self._say(self._held if last else self._sure(), fragments)
            return False
        self._say(self._held[:place].rstrip(), fragments)
        return self._call(fragments, last)

    def _place(self) -> int | None:
        """Where a call may begin."""
        place = self._held.find(self._trigger) if self._trigger else -1
        start = len(self._held) - len(self._held.lstrip(" \n,"))
        if self._held[start : start + 1] == "{" and (self.calls or not (self._trigger or self._said)):
            return start  # another call of a list, or where a call has no opening
        return place if place >= 0 else None

    def _sure(self) -> str:
        """What is held and can't be the beginning of a call, nor the space before one."""
        if not (self._trigger or self._said or self._held.strip()):
            return ""
        return self._held[: len(self._held) - overlap(self._held, self._trigger)].rstrip()

    def _say(self, text: str, fragments: list[Fragment]) -> None:
        self._held = self._held[len(text) :]
        text = self._without_marks(text) if self.calls else text
        if text and (self._said or text.strip()):
            self._said = True
            fragments.append(Fragment("said", text))

    def _without_marks(self, text: str) -> str:
        """What stands between calls or behind them, without the marks that belong to them."""
        for mark in (self._writing.closing, self._writing.opening):
            if mark.strip():
                text = text.replace(mark.strip(), "")
        return text.strip(" \n,")

    def _call(self, fragments: list[Fragment], last: bool) -> bool:
        """A call that may begin where the held text does, behind some space."""
        start = self._held.lstrip(" \n," if self.calls else None)
        opening = self._trigger if start.startswith(self._trigger) else ""
        inner = start[len(opening) :]
        behind = len(self._held) - len(inner)
        found = self._header.match(inner)
        if found and found[1] in self._names:
            fragments.append(Fragment("call", found[1], self.calls))
            self._held = inner[found.end() :]
            self._value = _Value()
            return True
        if last or found or not self._may_begin(inner):
            said = self._held if last else self._held[: max(1, behind)]
            self._held = self._held[len(said) :]
            self._said = True
            fragments.append(Fragment("said", said))
            return bool(self._held)
        return False

    def _may_begin(self, inner: str) -> bool:
        """Whether `inner` may still become the head of a call: braces and names come in their order."""
        start = inner.lstrip()
        head = '{"' + self._writing.name_key + '"'
        squeezed = re.sub(r"\s", "", start)[: len(head)]
        return head.startswith(squeezed) and len(inner) < 4096

    def _arguments(self, value: _Value, fragments: list[Fragment]) -> bool:
        taken = value.take(self._held)
        if taken:
            fragments.append(Fragment("arguments", self._held[:taken], self.calls))
        self._held = self._held[taken:]
        if not value.done:
            return False
        rest = self._held.lstrip()
        if not rest:
            return False  # the brace that ends the call is yet to come
        self._held = rest.removeprefix("}")
        self._value = None
        self.calls += 1
        return True


class _Value:
    """How far a JSON value goes."""

    def __init__(self) -> None:
        self._depth = 0
        self._text = self._escaped = False
        self.done = False

    def take(self, text: str) -> int:
        """How many letters of `text` belong to it."""
        for place, letter in enumerate(text):
            if self.done:
                return place
            self._look(letter)
        return len(text)

    def _look(self, letter: str) -> None:
        if self._text:
            self._text = self._escaped or letter != '"'
            self._escaped = letter == "\\" and not self._escaped
        elif letter == '"':
            self._text = True
        elif letter in "{[":
            self._depth += 1
        elif letter in "}]":
            self._depth -= 1
            self.done = self._depth <= 0


class AnswerReader:
    """Both: thoughts first, then calls in what is said."""

    def __init__(self, thoughts: ThoughtReader, calls: CallReader | None = None) -> None:
        self._thoughts = thoughts
        self._calls = calls

    @property
    def calls(self) -> int:
        """How many calls have begun."""
        return self._calls.begun if self._calls else 0

    def push(self, text: str, *, last: bool = False) -> list[Fragment]:
        thought, said = self._thoughts.push(text, last=last)
        fragments = [Fragment("thought", thought)] if thought else []
        if self._calls is not None:
            return fragments + self._calls.push(said, last=last)
        return [*fragments, Fragment("said", said)] if said else fragments
