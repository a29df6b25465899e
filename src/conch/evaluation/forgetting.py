"""Did tuning cost something that the model could do before? The general examination, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conch.core.events import Diagnosis
from conch.evaluation.chance import sign_test
from conch.runs import store
from conch.runs.diagnosis import Finding
from conch.runs.follow import read_events

KEY = "forgetting"
SURE, VERY_SURE = 0.05, 0.01
"""A drop that chance makes less often than this is one."""


@dataclass(frozen=True)
class Area:
    """Right answers of one area, and of them all."""

    name: str
    questions: int
    before: int
    after: int
    lost: int
    gained: int


@dataclass(frozen=True)
class Forgetting:
    """`lost` questions were right before and are wrong now; `p` is how likely chance alone does that."""

    areas: tuple[Area, ...]
    whole: Area

    @property
    def p(self) -> float:
        return sign_test(self.whole.lost, self.whole.gained)

    @property
    def dropped(self) -> bool:
        return self.whole.lost > self.whole.gained and self.p < SURE

    def finding(self, learning_rate: float | None = None) -> Finding | None:
        """A drop beyond noise as a diagnosis. It names a follow-up where the learning rate is known."""
        if not self.dropped:
            return None
        evidence = {
            "before": self.whole.before,
            "after": self.whole.after,
            "questions": self.whole.questions,
            "lost": self.whole.lost,
            "gained": self.whole.gained,
        }
        change = {"learning_rate": float(f"{learning_rate * 0.3:.1e}")} if learning_rate else {}
        return Finding(KEY, "high" if self.p < VERY_SURE else "medium", evidence, change)

    def to_dict(self) -> dict[str, Any]:
        found = self.finding()
        return {
            **vars(self.whole),
            "p": self.p,
            "dropped": self.dropped,
            "areas": [dict(vars(area)) for area in self.areas],
            "diagnosis": found.message if found else None,
        }


def forgetting(rows: Sequence[tuple[str, bool, bool]]) -> Forgetting:
    """Of (area, right before, right after) for each question."""
    names = dict.fromkeys(area for area, _, _ in rows)
    areas = tuple(_count(name, [row for row in rows if row[0] == name]) for name in names)
    return Forgetting(areas, _count("all", rows))


def _count(name: str, rows: Sequence[tuple[str, bool, bool]]) -> Area:
    return Area(
        name,
        len(rows),
        sum(before for _, before, _ in rows),
        sum(after for _, _, after in rows),
        sum(before and not after for _, before, after in rows),
        sum(after and not before for _, before, after in rows),
    )


def tell_run(found: Forgetting, model: str) -> Finding | None:
    """Tell a drop in the events of the run that `model` names, once. Returns the drop, if there is one."""
    if not (store.names_run(model) or store.is_called(model)):
        return found.finding()
    run = store.find(model)
    rate = run.flat_config().get("learning_rate")
    finding = found.finding(float(rate) if rate else None)
    if finding is None:
        return None
    told = [event for event in read_events(run.events_path) if isinstance(event, Diagnosis)]
    if not any(event.key == KEY and event.evidence == finding.evidence for event in told):
        run.events.write(
            Diagnosis,
            message=finding.message,
            key=finding.key,
            confidence=finding.confidence,
            evidence=finding.evidence,
            change=finding.change or None,
        )
    return finding
