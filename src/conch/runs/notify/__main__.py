"""`python -m conch.runs.notify RUN`: tell of a run that was lost."""

from __future__ import annotations

import sys
from pathlib import Path

from conch.runs.notify.lost import tell_loss
from conch.runs.run import Run


def main(folder: str) -> int:
    tell_loss(Run(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
