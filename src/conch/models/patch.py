"""Something of a model, replaced for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Patch:
    """An attribute of an object, to be replaced for a while."""

    owner: Any
    name: str
    value: Any

    def put(self) -> Callable[[], None]:
        """Replace it, and return what brings the old one back."""
        own = vars(self.owner).get(self.name)
        setattr(self.owner, self.name, self.value)
        if own is None:
            return partial(delattr, self.owner, self.name)
        return partial(setattr, self.owner, self.name, own)

    @contextmanager
    def applied(self) -> Iterator[None]:
        bring_back = self.put()
        try:
            yield
        finally:
            bring_back()


@contextmanager
def applied(patches: Sequence[Patch]) -> Iterator[None]:
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch.applied())
        yield
