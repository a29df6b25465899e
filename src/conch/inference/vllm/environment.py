"""vLLM's environment, `CONCH_HOME/envs/vllm`: made once, by two commands that are shown first.

vLLM pins torch, transformers and more to versions of its own, so it never shares ours.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conch.core import env
from conch.core.errors import ServeError

OLDEST_PYTHON = (3, 11)
UNFINISHED = "conch-unfinished"
"""A file in the environment while it is being made: half of one is none."""

Notify = Callable[[str], None]


def folder() -> Path:
    return env.home() / "envs" / "vllm"


def program() -> Path:
    return folder() / "bin" / "vllm"


def is_ready() -> bool:
    return program().is_file() and not (folder() / UNFINISHED).exists()


def commands() -> tuple[tuple[str, ...], ...]:
    """What makes the environment."""
    python = str(folder() / "bin" / "python")
    return (sys.executable, "-m", "venv", str(folder())), (python, "-m", "pip", "install", "vllm")


def make(notify: Notify) -> None:
    """Make it, with pip's own settings and output. Raises ServeError where it can't be made."""
    if platform.system() != "Linux":
        raise ServeError("serving.vllm_system", system=platform.system())
    if sys.version_info < OLDEST_PYTHON:
        raise ServeError("serving.vllm_python", version=platform.python_version())
    mark = folder() / UNFINISHED
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for command in commands():
        line = " ".join(command)
        notify(f"$ {line}")
        # what pip says goes to stderr: stdout may be a JSON document of ours
        done = subprocess.run(command, stdout=sys.stderr, env=env.foreign_environment(), check=False)
        if done.returncode != 0:
            raise ServeError("serving.vllm_not_made", command=line, code=done.returncode)
    mark.unlink()
