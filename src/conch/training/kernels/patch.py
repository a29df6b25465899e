"""Something of a model, replaced for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Patch:
    """An attribute of an object, to be replaced for a while."""

    owner: Any
    name: str
    value: Any

    @contextmanager
    def applied(self) -> Iterator[None]:
        own = vars(self.owner).get(self.name)
        setattr(self.owner, self.name, self.value)
        try:
            yield
        finally:
            if own is None:
                delattr(self.owner, self.name)
            else:
                setattr(self.owner, self.name, own)


@contextmanager
def applied(patches: Sequence[Patch]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch.applied())
        yield
