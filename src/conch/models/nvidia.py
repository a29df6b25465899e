"""What NVIDIA's driver tells of its cards, through its own program."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

SECONDS = 30
"""A driver that sleeps between questions takes long for the first."""


@dataclass(frozen=True)
class Told:
    """What was said: a line for each card; or, where the driver does not work, why."""

    works: bool
    said: str


def program() -> str | None:
    return shutil.which("nvidia-smi")


def ask(program: str, fields: str, *words: str) -> Told:
    """The `fields` of each card, with commas between; sizes in MiB."""
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Told(False, type(error).__name__)
    said = done.stdout.strip()
    if done.returncode == 0 and said:
        return Told(True, said)
    return Told(False, (said or done.stderr.strip()).partition("\n")[0])
