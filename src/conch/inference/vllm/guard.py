"""Runs a command for as long as somebody holds our input: `python -m conch.inference.vllm.guard COMMAND…`.

vLLM starts processes of its own that hold the GPU. All of them are of one group, which ends when
the command ends, when the input is closed, and so also when who started us is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from conch.core import env
from conch.core.text import tr

PATIENCE_SECONDS = 10.0
"""How long the command may take to end when it is told to."""


def main(command: list[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the command: we leave after it
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env=env.foreign_environment(), preexec_fn=_hear_signals
    )
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    code = child.wait()
    _say_and_end(code)


def _hear_signals() -> None:
    """What is ignored stays so in children, unless it is set back."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _end_with_input(child: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGTERM)
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        _say_and_end(-signal.SIGKILL)


def _say_and_end(code: int) -> None:
    """The last line of the log says how it ended; then nothing is left of the group, ourselves included."""
    try:
        sys.stdout.write(tr("serving.vllm_exit", code=code) + "\n")
        sys.stdout.flush()
    finally:  # also where the disk is full
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
