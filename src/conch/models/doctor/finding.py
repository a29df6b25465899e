"""One thing that was found, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from conch.core.text import has, tr

Grade = Literal["ok", "note", "fix"]
"""`note`: it works, with something to know. `fix`: something that Conch promises will not work."""


@dataclass(frozen=True)
class Finding:
    """`key` names the text in the catalogue (`doctor.KEY`), `facts` fill it in."""

    subject: str
    """What was looked at: python, packages, cpu, memory, gpu, home or network."""
    grade: Grade
    key: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return tr(f"doctor.{self.key}", **self.facts)

    @property
    def remedy(self) -> str:
        """The command that mends it; empty where there is nothing to mend."""
        key = f"doctor.{self.key}.fix"
        return tr(key, **self.facts) if has(key) else ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "grade": self.grade,
            "key": self.key,
            "message": self.message,
            "remedy": self.remedy,
            "facts": self.facts,
        }
