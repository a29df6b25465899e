"""How many answers are made at once, over all requests: each holds a cache of its own in memory.

Everything here happens on one event loop, so there are no locks.
"""

from __future__ import annotations

from anyio import Event


class Room:
    """Places for `places` answers. A free one goes to the request that has the fewest, then to the oldest."""

    def __init__(self, places: int) -> None:
        self._places = self._free = places
        self._shares: list[Share] = []

    @property
    def requests(self) -> int:
        """How many requests are in hand."""
        return len(self._shares)

    @property
    def working(self) -> int:
        """How many of them have a place."""
        return sum(share.held > 0 for share in self._shares)

    @property
    def waiting(self) -> int:
        """How many of them wait for their first place."""
        return self.requests - self.working

    def resize(self, places: int) -> None:
        """Have so many places from now on; those that are held go on to be."""
        more, self._places = places - self._places, places
        self.free(more)

    def enter(self) -> Share:
        share = Share(self)
        self._shares.append(share)
        return share

    def free(self, count: int) -> None:
        self._free += count
        self.deal()

    def deal(self) -> None:
        """Give the free places to those who want some."""
        while self._free > 0 and (wanting := [share for share in self._shares if share.wanted]):
            self._free -= 1
            min(wanting, key=lambda share: share.held).grant()

    def leave(self, share: Share) -> None:
        self._shares.remove(share)
        self.free(share.held)


class Share:
    """What one request has of the room. It must leave in the end."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._granted: Event | None = None
        self.wanted = 0
        self.held = 0

    def want(self, count: int) -> None:
        """Ask for places for `count` answers; they come as they fall free."""
        self.wanted += count
        self._room.deal()

    def grant(self) -> None:
        self.wanted -= 1
        self.held += 1
        if self._granted is not None:
            self._granted.set()

    async def wait(self) -> None:
        """Until at least one place is held."""
        while not self.held:
            self._granted = Event()
            await self._granted.wait()

    def give_back(self) -> None:
        """One of the answers has ended."""
        self.held -= 1
        self._room.free(1)

    def leave(self) -> None:
        """Give back everything, and want nothing more."""
        self._room.leave(self)
        self.wanted = self.held = 0
