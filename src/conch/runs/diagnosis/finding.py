"""One thing that a run's figures say, with what it rests on and what to change."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from conch.core.events import Diagnosis
from conch.core.text import has, tr

Confidence = Literal["low", "medium", "high"]


def in_words(event: Diagnosis) -> str:
    """A diagnosis that was told, in the language in use now: whoever told it may have spoken another."""
    if event.key is None or not has(f"diagnosis.{event.key}"):
        return event.message
    try:
        return Finding(event.key, "low", event.evidence or {}, event.change or {}).message
    except (KeyError, ValueError):  # told by a version with other values
        return event.message


@dataclass(frozen=True)
class Finding:
    """`key` names its text (`diagnosis.KEY`), `evidence` fills it in.

    `change` holds the config keys of one follow-up run that would mend it; empty where no key can.
    """

    key: str
    confidence: Confidence
    evidence: dict[str, Any] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """What the curve means and what to do, in the language in use."""
        meaning = tr(f"diagnosis.{self.key}", **self.evidence)
        advice = tr(f"diagnosis.{self.key}.fix", **self.evidence, **self._new())
        return tr("diagnosis.whole", meaning=meaning, advice=advice)

    def _new(self) -> dict[str, Any]:
        """The changed values as texts name them: `new_learning_rate`."""
        return {f"new_{key}": value for key, value in self.change.items()}

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "message": self.message}
