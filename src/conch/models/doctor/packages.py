"""Python and the packages, read from their metadata; torch speaks for itself, in a process of its own."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.version import InvalidVersion

from conch.core import env
from conch.models.doctor.finding import Finding

TORCH_SECONDS = 120
"""A first import from a cold disk takes long."""
ASK_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
print(json.dumps({
    "version": torch.__version__, "cuda": cuda, "built_for": torch.version.cuda or torch.version.hip,
    "threads": torch.get_num_threads(), "mps": torch.backends.mps.is_available(),
    "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if cuda else [],
}))
"""


def python() -> Finding:
    return Finding("python", "ok", "python", {"version": platform.python_version(), "place": sys.executable})


def versions(requirements: list[str] | None = None) -> Iterator[Finding]:
    """Each required package that is missing or of a wrong version; where there is none, their versions."""
    wanted = needed(required() if requirements is None else requirements)
    if not wanted:
        yield Finding("packages", "note", "packages_unknown")
        return
    found = {need.name: _version(need.name) for need in wanted}
    wrong = [_wrong(need, found[need.name]) for need in wanted if not _fits(need, found[need.name])]
    yield from wrong
    if not wrong:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
        yield Finding("packages", "ok", "packages", {"listed": listed, "versions": found})


def required() -> list[str]:
    """What Conch itself says that it needs; empty where it runs from its sources, not installed."""
    try:
        return metadata.requires("conch") or []
    except metadata.PackageNotFoundError:
        return []


def needed(requirements: list[str]) -> list[Requirement]:
    """Those that are for a machine like this one, without extras."""
    parsed = map(Requirement, requirements)
    return [need for need in parsed if need.marker is None or need.marker.evaluate({"extra": ""})]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _fits(need: Requirement, version: str | None) -> bool:
    """A version before a release fits where the bounds let it: people try them on purpose."""
    try:
        return version is not None and need.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _wrong(need: Requirement, version: str | None) -> Finding:
    facts = {"name": need.name, "version": version, "wanted": str(need).partition(";")[0].strip()}
    return Finding("packages", "fix", "package_missing" if version is None else "package_version", facts)


def torch(*, cards: bool = False) -> Iterator[Finding]:
    """Whether torch can be imported, and what it can compute on; `cards` says that the driver knows some."""
    if _version("torch") is None:
        return  # told among the packages
    facts = ask_torch()
    if "error" in facts:
        yield Finding("packages", "fix", "torch_broken", facts)
        return
    if cards and not facts["cuda"]:
        yield Finding("packages", "fix", "torch_no_cuda", facts)
        return
    kind = "cuda" if facts["cuda"] else "mps" if facts["mps"] else "cpu"
    yield Finding("packages", "ok", f"torch_{kind}", {**facts, "names": ", ".join(facts["gpus"])})


def ask_torch() -> dict[str, Any]:
    """torch's own facts; under `error` why there are none."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK_TORCH],
            capture_output=True,
            text=True,
            timeout=TORCH_SECONDS,
            check=False,
            env=env.child_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": type(error).__name__}
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"error": lines[-1] if lines else f"exit code {done.returncode}"}
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts
