"""The program as a user calls it: in this process, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from conch.cli import main
from conch.core import text


@dataclass(frozen=True)
class Ended:
    """How a call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


def call(*words: str, language: str | None = None) -> Ended:
    """`conch WORDS` in this process, through the program's own `main`."""
    out, err = io.StringIO(), io.StringIO()
    text.set_language(language)
    code: Any = 0
    try:
        with patch.object(sys, "argv", ["conch", *words]), redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        text.set_language(None)
    return Ended(int(code or 0), out.getvalue(), err.getvalue())


def spawn(*words: str, **variables: str) -> Ended:
    """`python -m conch.cli WORDS` as a user's shell starts it. `variables` are added to the environment."""
    done = subprocess.run(
        [sys.executable, "-m", "conch.cli", *words],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **variables},
        timeout=300,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
