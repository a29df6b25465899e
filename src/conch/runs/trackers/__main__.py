"""`python -m conch.runs.trackers RUN NAME OFFSET`"""

from __future__ import annotations

import sys
from pathlib import Path

from conch.runs.run import Run
from conch.runs.trackers.feeding import feed


def main(folder: str, name: str, offset: str = "0") -> int:
    return 0 if feed(Run(Path(folder)), name, int(offset)) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
