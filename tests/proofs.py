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
    "# Proofs\n\nWritten by `make prove`, which runs the long proofs at full length. "
    "A proof that was not run again keeps its figures.\n\n"
    "| what was shown | figures | when, and with what |\n|---|---|---|\n"
)


@dataclass
class Proofs:
    """What was shown in one session: figures by title."""

    shown: dict[str, str] = field(default_factory=dict)

    def tell(self, title: str, figures: str) -> None:
        assert "|" not in title + figures, "these are cells of a table"
        self.shown[title] = figures

    def text(self, before: str = "") -> str:
        """The page, with the rows that `before` has of proofs which were not run now."""
        now = {title: f"{figures} | {circumstances()}" for title, figures in self.shown.items()}
        rows = {**rows_of(before), **now}
        return HEAD + "".join(f"| {title} | {rest} |\n" for title, rest in sorted(rows.items()))

    def keep(self, file: Path = FILE) -> None:
        """Write the page. Proofs that were told by nobody leave it as it is."""
        if self.shown:
            before = file.read_text(encoding="utf-8") if file.is_file() else ""
            file.write_text(self.text(before), encoding="utf-8")


def rows_of(page: str) -> dict[str, str]:
    """The rows of a page: the other cells by the first."""
    cells = (line.strip("| ").partition(" | ") for line in page.splitlines() if line.startswith("| "))
    return {title: rest for title, _, rest in cells if title != "what was shown"}


def circumstances() -> str:
    """The day, the machine and the libraries."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    machine = f"{platform.system()} {platform.machine()}"
    return f"{time.strftime('%Y-%m-%d')}; Python {platform.python_version()}, {libraries}; {machine}"
