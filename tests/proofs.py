"""Figures of the long proofs: tests tell them, `make prove` keeps them in `docs/proofs.md`."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).parents[1] / "docs" / "proofs.md"
LIBRARIES = ("torch", "transformers", "peft")


HEAD = (
    "# Proofs\n\nWritten by `make prove`, which runs the long proofs at full length; a proof that runs by "
    "itself renews its own line.\n\n"
)
TABLE = "| what was shown | figures | shown |\n|---|---|---|\n"


@dataclass
class Proofs:
    """What was shown in one session, by title."""

    shown: dict[str, str] = field(default_factory=dict)

    def tell(self, title: str, figures: str) -> None:
        self.shown[title] = figures

    def keep(self, file: Path = FILE) -> None:
        """Write them into `file`; what others have shown there stays."""
        today = time.strftime("%Y-%m-%d")
        lines = kept(file) | {title: f"{figures} | {today}" for title, figures in self.shown.items()}
        table = "".join(f"| {title} | {line} |\n" for title, line in sorted(lines.items()))
        file.write_text(f"{HEAD}{_surroundings()}\n\n{TABLE}{table}", encoding="utf-8")


def kept(file: Path) -> dict[str, str]:
    """The lines of the table in `file`, by what they show."""
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ", 1) for line in lines if line.startswith("| ")]
    return dict(cells[1:])


def _surroundings() -> str:
    """What the newest of them ran with."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    python, system = platform.python_version(), f"{platform.system()} {platform.machine()}"
    return f"The newest with Python {python}, {libraries}; {system}."
