"""Figures of the long proofs: tests tell them, `make prove` keeps them in `docs/proofs.md`."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

FILE = Path(__file__).parents[1] / "docs" / "proofs.md"
LIBRARIES = ("torch", "transformers", "peft")


@dataclass
class Proofs:
    """What was shown in one session, by title."""

    shown: dict[str, str] = field(default_factory=dict)

    def tell(self, title: str, figures: str) -> None:
        self.shown[title] = figures

    def text(self) -> str:
        libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
        head = (
            "# Proofs\n\nWritten by `make prove`, which runs the long proofs at full length.\n\n"
            f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, {libraries}; "
            f"{platform.system()} {platform.machine()}.\n\n| what was shown | figures |\n|---|---|\n"
        )
        return head + "".join(f"| {title} | {figures} |\n" for title, figures in sorted(self.shown.items()))
