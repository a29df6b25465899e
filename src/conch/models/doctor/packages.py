"""Python and the packages, read from their metadata; torch speaks for itself, in a process of its own."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from conch.core import env
from conch.models.doctor.finding import Finding

LEAST_PYTHON = (3, 10)
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
    version, place = platform.python_version(), sys.executable
    facts = {"version": version, "place": place, "least": ".".join(map(str, LEAST_PYTHON))}
    if sys.version_info[:2] < LEAST_PYTHON:
        return Finding("python", "fix", "python_old", facts)
    return Finding("python", "ok", "python", facts)


def versions(requirements: list[str] | None = None) -> Iterator[Finding]:
    """Each required package that is missing or of a wrong version; where there is none, their versions."""
    wanted = required() if requirements is None else requirements
    found: dict[str, str] = {}
    wrong = False
    for requirement in wanted:
        name, bounds = _split(requirement)
        version = _version(name)
        if version is None:
            wrong = True
            yield Finding("packages", "fix", "package_missing", {"name": name, "wanted": requirement})
        elif not all(_fits(version, bound) for bound in bounds):
            wrong = True
            facts = {"name": name, "version": version, "wanted": requirement}
            yield Finding("packages", "fix", "package_version", facts)
        else:
            found[name] = version
    if not wrong:
        listed = ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
        yield Finding("packages", "ok", "packages", {"listed": listed, "versions": found})


def required() -> list[str]:
    """What Conch itself says that it needs, without its extras."""
    try:
        stated = metadata.requires("conch") or []
    except metadata.PackageNotFoundError:  # run from its sources
        return []
    return [entry for entry in stated if "extra ==" not in entry]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _split(requirement: str) -> tuple[str, list[tuple[str, str]]]:
    """`torch<3,>=2.6` → the name, and the bounds one by one."""
    name = re.match(r"[\w.-]+", requirement)
    bounds = re.findall(r"(>=|<=|==|!=|<|>)\s*([\w.]+)", requirement.partition(";")[0])
    return name[0] if name else requirement, bounds


def _fits(version: str, bound: tuple[str, str]) -> bool:
    sign, limit = bound
    have, than = _numbers(version), _numbers(limit)
    length = max(len(have), len(than))
    have, than = (*have, *(0,) * (length - len(have))), (*than, *(0,) * (length - len(than)))
    answers = {">=": have >= than, "<=": have <= than, "==": have == than, "!=": have != than}
    return {**answers, "<": have < than, ">": have > than}[sign]


def _numbers(version: str) -> tuple[int, ...]:
    """`2.13.0+cpu` → (2, 13, 0); what stands behind the numbers does not matter to a bound."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


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
