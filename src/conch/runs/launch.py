"""Starting a run's worker as a process of its own, which outlives whoever started it."""

from __future__ import annotations

import subprocess
import sys

from conch.core import env
from conch.runs.run import Run


def launch(run: Run, *arguments: str, token: str | None = None) -> int:
    """Start `python -m conch.worker RUN` in its own session, output to `log.txt`; returns its pid.

    A hub `token` goes by the environment, since a run's config holds no secrets.
    """
    command = [sys.executable, "-m", "conch.worker", str(run.folder), *arguments]
    with run.log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=run.folder,  # first on the module path with `-m`: the user's own files must not be
            env=env.child_environment(
                CONCH_HOME=str(env.home()),
                PYTHONUNBUFFERED="1",
                PYTHONFAULTHANDLER="1",
                **({"HF_TOKEN": token} if token else {}),
            ),
        )
    run.claim(process.pid)
    return process.pid
