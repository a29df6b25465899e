"""Who waits for which device, in which order. No broker: the waiting processes agree through files.

    CONCH_HOME/queue/HOST/POOL/ORDER-RUN       a ticket: a run that waits; its content is the run's folder
    CONCH_HOME/queue/HOST/POOL/slot-DEVICE-0   a claim: who computes there now (`conch.runs.claim`)

A ticket counts while the process of its run lives. The first in line claims a free place; the
claim alone decides, so that a wrong view of the line costs order at most, never a device shared.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import RunError
from conch.runs.claim import Claim, acquire, create, read, sweep
from conch.runs.devices import Pool, pool_of
from conch.runs.run import Run

PAUSE_SECONDS = 0.1
LOOK_SECONDS = 1.0
"""How long a waiting process trusts that nobody died, while nothing in the folder changes."""
GAP = 1 << 40
"""Room between two places in line, to put others in between."""


@dataclass(frozen=True)
class Ticket:
    path: Path

    @property
    def order(self) -> int:
        return int(self.path.name.partition("-")[0])

    @property
    def run_id(self) -> str:
        return self.path.name.partition("-")[2]

    def run(self) -> Run | None:
        """The run that waits; None where the ticket has just been taken away."""
        try:
            return Run(Path(self.path.read_text(encoding="utf-8")))
        except OSError:
            return None

    def is_alive(self) -> bool:
        run = self.run()
        worker = run.worker() if run else None
        return worker is not None and worker.is_alive()


@dataclass(frozen=True)
class Place:
    """A place in line. `position` counts from 1; `behind` are the runs that must end or start before."""

    device: str
    position: int
    behind: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"device": self.device, "position": self.position, "behind": list(self.behind)}


@dataclass(frozen=True)
class Turn:
    """A device that is this run's until it is released."""

    device: str
    claim: Claim


def enqueue(run: Run) -> None:
    """Put the run last in its line. Does nothing where it stands in line already."""
    pool = pool_of(run.flat_config())
    if not _own(pool, run):
        create(pool.folder / _name(_last(pool), run.id), str(run.folder))


def leave(run: Run) -> None:
    """Take the run out of its line."""
    for ticket in _own(pool_of(run.flat_config()), run):
        ticket.path.unlink(missing_ok=True)


Fits = Callable[[str, Sequence[Run]], bool]
"""Whether the run that waits fits on a device beside those that are at work there."""


def wait(run: Run, given_up: Callable[[], bool], tell: Callable[[Place], None], fits: Fits) -> Turn | None:
    """Wait for a device; None once `given_up`. `tell` hears the place in line whenever it changes."""
    pool = pool_of(run.flat_config())
    enqueue(run)
    sweep(pool.folder)
    told: Place | None = None
    seen: tuple[int, float] | None = None
    try:
        while not given_up():
            now = (_changed(pool.folder), time.monotonic())
            if seen is None or now[0] != seen[0] or now[1] - seen[1] > LOOK_SECONDS:
                seen = now
                turn, place = _look(pool, run, fits)
                if turn is not None:
                    return turn
                if place is not None and place != told:
                    told = place
                    tell(place)
            time.sleep(PAUSE_SECONDS)
    finally:
        leave(run)
    return None


def _look(pool: Pool, run: Run, fits: Fits) -> tuple[Turn | None, Place | None]:
    """A turn, where a place is free and nobody is ahead of the run who could take it; else its place."""
    ahead = _ahead(pool, run)
    if ahead is None:
        enqueue(run)  # somebody took it for dead while it was being started
        return None, None
    for device, path in _open_to(pool, len(ahead), fits):
        claim = acquire(path, run=str(run.folder))
        if claim is not None:
            return Turn(device, claim), None
    return None, Place(pool.name, len(ahead) + 1, (*_holders(pool), *(ticket.run_id for ticket in ahead)))


def _open_to(pool: Pool, ahead: int, fits: Fits) -> list[tuple[str, Path]]:
    """The places that a run may take with so many ahead of it.

    Idle devices, unless all of them go to those ahead; a device beside others only as the first in line
    and where it fits, so that what the others will take is known.
    """
    free = [(device, path) for device, path in pool.slots() if _is_free(path)]
    busy = {device: _at_work(pool, device) for device in pool.devices}
    idle: dict[str, Path] = {}
    for device, path in free:
        if not busy[device]:
            idle.setdefault(device, path)  # the same one for all who come, so that only one gets it
    if ahead < len(idle):
        return list(idle.items())
    if ahead or idle:
        return []
    suits = {device for device in dict(free) if fits(device, busy[device])}  # a question that takes time
    return [(device, path) for device, path in free if device in suits]


def _at_work(pool: Pool, device: str) -> list[Run]:
    """The runs that have a place on a device."""
    held = [read(path) for at, path in pool.slots() if at == device]
    return [Run(Path(h.facts["run"])) for h in held if h is not None and "run" in h.facts and h.is_alive()]


def _ahead(pool: Pool, run: Run) -> list[Ticket] | None:
    """The living tickets before the run's own, first in line first; None where it has none itself."""
    ahead: list[Ticket] = []
    for ticket in tickets(pool):
        if ticket.run_id == run.id:
            return ahead
        if ticket.is_alive():
            ahead.append(ticket)
        else:
            _have_told(ticket.run())
            ticket.path.unlink(missing_ok=True)
    return None


def tickets(pool: Pool) -> list[Ticket]:
    """Every ticket in line, first in line first, whether or not its process lives."""
    try:
        names = [path for path in pool.folder.iterdir() if re.match(r"\d{40}-", path.name)]
    except OSError:
        return []
    return [Ticket(path) for path in sorted(names, key=lambda path: path.name)]


def places() -> dict[str, Place]:
    """Everybody who waits on this machine, by the id of the run."""
    found: dict[str, Place] = {}
    for name in ("cpu", "cuda"):
        pool = Pool(name, ())
        held = _holders(pool)
        line = [ticket.run_id for ticket in tickets(pool) if ticket.is_alive()]
        for number, run_id in enumerate(line):
            found[run_id] = Place(name, number + 1, (*held, *line[:number]))
    return found


def move(run: Run, *, first: bool = False, before: Run | None = None) -> Place:
    """Put a waiting run at the head of its line, before another, or at its end; returns its new place."""
    pool = pool_of(run.flat_config())
    own = _own(pool, run)
    if not own:
        raise RunError("runs.not_waiting", name=run.id, state=run.told_state())
    others = [ticket for ticket in tickets(pool) if ticket.run_id != run.id]
    if before is not None:
        at = next((i for i, ticket in enumerate(others) if ticket.run_id == before.id), None)
        if at is None:
            raise RunError("runs.not_waiting", name=before.id, state=before.told_state())
        low = others[at - 1].order if at else others[at].order - 2 * GAP
        order = (low + others[at].order) // 2
    elif first:
        order = min((ticket.order for ticket in others), default=_last(pool)) - GAP
    else:
        order = max(_last(pool), max((ticket.order for ticket in others), default=0) + GAP)
    try:
        own[0].path.rename(pool.folder / _name(order, run.id))
    except FileNotFoundError as error:  # its turn came this moment
        raise RunError("runs.not_waiting", name=run.id, state=run.told_state()) from error
    return places().get(run.id) or Place(pool.name, 1, ())


def _is_free(path: Path) -> bool:
    """Whether nobody alive holds it. That its holder died is told to whom the run's config names."""
    held = read(path)
    if held is None or held.is_alive():
        return held is None
    _have_told(Run(Path(held.facts["run"])) if "run" in held.facts else None)
    return True


def _have_told(run: Run | None) -> None:
    from conch.runs.notify.lost import tell_if_lost  # who tells knows of the queue

    if run is not None:
        tell_if_lost(run)


def _holders(pool: Pool) -> list[str]:
    """The runs that compute in a pool now."""
    held = [read(path) for path in sorted(pool.folder.glob("slot-*")) if path.name.count(".") == 0]
    return [Path(h.facts["run"]).name for h in held if h is not None and "run" in h.facts and h.is_alive()]


def _own(pool: Pool, run: Run) -> list[Ticket]:
    return [ticket for ticket in tickets(pool) if ticket.run_id == run.id]


def _last(pool: Pool) -> int:
    """An order behind all that were given until now."""
    return time.time_ns() * GAP


def _name(order: int, run_id: str) -> str:
    return f"{order:040d}-{run_id}"


def _changed(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime_ns
    return 0


@contextlib.contextmanager
def taking_turns(
    run: Run, given_up: Callable[[], bool], tell: Callable[[Place], None], fits: Fits
) -> Iterator[str | None]:
    """Within it the run has a device, named; None where it gave up waiting."""
    turn = wait(run, given_up, tell, fits)
    if turn is None:
        yield None
        return
    with turn.claim:
        yield turn.device
