"""The README's pictures: what `conch quickstart` really printed, drawn by a headless Chromium.

    python docs/pictures.py out.en.txt docs/quickstart.png
    python docs/pictures.py out.zh.txt docs/quickstart.zh.png

The text files hold the standard output of `CONCH_LANG=en conch quickstart` and of `CONCH_LANG=zh …`.
"""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #10141a; }}
pre {{ margin: 0; padding: 20px 24px; color: #d7dde5;
      font: 15px/1.35 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; }}
</style><pre>{text}</pre>"""
CHARACTER, LINE = 9.1, 20.25
COLUMNS = 118


def width(line: str) -> int:
    """Columns of a terminal that a line takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def fold(line: str) -> list[str]:
    """A line cut as a terminal of COLUMNS columns would cut it."""
    lines, current = [], ""
    for character in line:
        if width(current + character) > COLUMNS:
            lines.append(current)
            current = ""
        current += character
    return [*lines, current]


def draw(text: str, target: Path) -> None:
    lines = [piece for line in text.strip("\n").splitlines() for piece in fold(line)]
    size = f"{round(COLUMNS * CHARACTER + 48)},{round(len(lines) * LINE + 44)}"
    with tempfile.TemporaryDirectory() as place:
        page = Path(place, "page.html")
        page.write_text(PAGE.format(text=html.escape("\n".join(lines))), encoding="utf-8")
        flags = ["headless", "no-sandbox", "disable-gpu", "disable-background-networking"]
        options = {"user-data-dir": f"{place}/profile", "window-size": size, "screenshot": target.absolute()}
        words = [*(f"--{flag}" for flag in flags), *(f"--{name}={value}" for name, value in options.items())]
        subprocess.run(["chromium", *words, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]).read_text(encoding="utf-8"), Path(sys.argv[2]))
