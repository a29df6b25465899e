"""What can happen in a run: one small class each, one JSON object a line in `events.jsonl`.

The event log is the only way that news travels up from a worker. Times are seconds since the
epoch (UTC), set by whoever writes the event, so this module never looks at a clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all events. `t` is the time of writing in seconds."""

    kind: ClassVar[str] = ""
    t: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON form: `t` and `kind` first, then the values that are known."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return {"t": values.pop("t"), "kind": self.kind, **values}


@dataclass(frozen=True)
class Queued(Event):
    kind: ClassVar[str] = "queued"
    name: str | None = None
    """What the user calls the run, if anything."""


@dataclass(frozen=True)
class Started(Event):
    kind: ClassVar[str] = "started"
    pid: int
    resumed_from: str | None = None
    """The checkpoint folder that this attempt goes on from."""
    memory_total: int | None = None
    """Bytes of memory that this machine (or container) has."""


@dataclass(frozen=True)
class Phase(Event):
    """A stretch of work began.

    `name` is waiting, locating, loading, tokenising, training, evaluating or saving.
    """

    kind: ClassVar[str] = "phase"
    name: str
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class Metrics(Event):
    kind: ClassVar[str] = "metrics"
    step: int
    total_steps: int | None = None
    epoch: float | None = None
    loss: float | None = None
    eval_loss: float | None = None
    eval_losses: dict[str, float] | None = None
    """Of each dataset by itself, where `eval_on_each_dataset` asks for it."""
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens: int | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None
    memory_bytes: int | None = None
    swapped_bytes: int | None = None
    """Bytes of the process that the system has moved to the disk, where it tells and there are any."""
    rows: dict[str, list[int]] | None = None
    """The rows of this step by file, where its gradient leapt."""


@dataclass(frozen=True)
class Checkpoint(Event):
    kind: ClassVar[str] = "checkpoint"
    step: int
    path: str


@dataclass(frozen=True)
class Sample(Event):
    kind: ClassVar[str] = "sample"
    step: int
    prompt: str
    answer: str


@dataclass(frozen=True)
class Warned(Event):
    """Something that the user should know and that stops nothing. `key` and `values` name the text."""

    kind: ClassVar[str] = "warning"
    message: str
    key: str | None = None
    values: dict[str, Any] | None = None


@dataclass(frozen=True)
class Removed(Event):
    """A checkpoint was removed so that the others stay within `save_disk_budget` or `save_total_limit`."""

    kind: ClassVar[str] = "removed"
    step: int
    path: str
    budget: int | None = None
    """In bytes; None where it went for the number of checkpoints."""


@dataclass(frozen=True)
class Paused(Event):
    """The disk is full, and the run waits for room. `what` could not be written to the folder `where`."""

    kind: ClassVar[str] = "paused"
    what: str
    where: str
    message: str
    hint: str
    free: int | None = None
    """Bytes free, where the system tells; under a quota they are not all the user's."""
    needed: int | None = None
    until: float | None = None
    """When the run stops waiting, in seconds since the epoch."""
    values: dict[str, Any] | None = None
    """What fills in the message and the hint, for readers of another language."""


@dataclass(frozen=True)
class Continued(Event):
    """What could not be written is written: the run goes on, after so many seconds."""

    kind: ClassVar[str] = "continued"
    what: str
    seconds: float


@dataclass(frozen=True)
class Diagnosis(Event):
    """What the curve means. `key` names the rule, `evidence` its values, `change` the keys that mend it."""

    kind: ClassVar[str] = "diagnosis"
    message: str
    key: str | None = None
    confidence: str | None = None
    evidence: dict[str, Any] | None = None
    change: dict[str, Any] | None = None


@dataclass(frozen=True)
class Finished(Event):
    kind: ClassVar[str] = "finished"
    step: int
    train_seconds: float
    tokens: int
    tokens_per_second: float
    loss: float | None = None
    eval_loss: float | None = None


@dataclass(frozen=True)
class Failed(Event):
    kind: ClassVar[str] = "failed"
    error: str
    message: str
    hint: str


@dataclass(frozen=True)
class Stopped(Event):
    kind: ClassVar[str] = "stopped"
    step: int
    checkpoint: str | None = None


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        Queued,
        Started,
        Phase,
        Metrics,
        Checkpoint,
        Sample,
        Warned,
        Removed,
        Paused,
        Continued,
        Diagnosis,
        Finished,
        Failed,
        Stopped,
    )
}


def from_dict(data: dict[str, Any]) -> Event | None:
    """The event that `to_dict` wrote, or None for a kind that this version does not know."""
    kind = data.get("kind")
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        return None
    known = _names(cls.kind)
    try:
        return cls(**{name: value for name, value in data.items() if name in known})
    except TypeError:  # a line of another version that lacks a value this one needs
        return None


@cache
def _names(kind: str) -> frozenset[str]:
    """The values of a kind; kept, since asking a dataclass takes longer than reading a line."""
    return frozenset(f.name for f in fields(KINDS[kind]))
