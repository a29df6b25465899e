"""Processor, memory and graphics cards, with what a container leaves of them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conch.models.doctor.finding import Finding
from conch.models.hardware import FAST_BF16, cpu_flags
from conch.runs.machine import memory_available, memory_total

FEATURES = {
    "AVX2": {"avx2"},
    "AVX-512": {"avx512f"},
    "VNNI": {"avx512_vnni", "avx_vnni", "asimddp"},
    "AMX": {"amx_tile"},
    "bf16": FAST_BF16,
}
"""What makes training and serving on a CPU fast, and the flags that show it."""
GIGA = 1e9
LITTLE_MEMORY = 3e9
"""Below this not even the smallest starter model trains in peace."""
DRIVER_FIELDS = "name,memory.total,driver_version"
DEVICE_FILES = Path("/dev/nvidia0"), Path("/proc/driver/nvidia/version")


def cpu(root: Path = Path("/")) -> Iterator[Finding]:
    flags = cpu_flags()
    has = [name for name, signs in FEATURES.items() if signs & flags]
    lacks = [name for name in FEATURES if name not in has]
    cores, machine = usable_cores(root), os.cpu_count() or 1
    facts = {
        "name": _cpu_name(root),
        "cores": f"{cores:g}",
        "machine": machine,
        "has": ", ".join(has) or "-",
        "lacks": ", ".join(lacks) or "-",
        "features": {name: name in has for name in FEATURES},
    }
    yield Finding("cpu", "ok", "cpu_bound" if cores < machine else "cpu", facts)
    if flags and not signs_of_speed(flags):
        yield Finding("cpu", "note", "cpu_slow", facts)


def signs_of_speed(flags: frozenset[str]) -> bool:
    """Whether it has wide vectors: arm64's are always there."""
    return bool(flags & {"avx2", "avx512f", "asimd"})


def usable_cores(root: Path = Path("/")) -> float:
    """Cores that this process may use: fewer than the machine's where a container or a mask binds it."""
    mask = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(mask), *_quotas(root)])


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time that a container is given, by both versions of the kernel's groups."""
    groups = root / "sys/fs/cgroup"
    two, one = groups / "cpu.max", groups / "cpu"
    try:
        quota, period = two.read_text().split()
        yield int(quota) / int(period)
    except (OSError, ValueError):  # no such file, or `max`
        pass
    try:
        quota, period = ((one / name).read_text() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        if int(quota) > 0:
            yield int(quota) / int(period)
    except (OSError, ValueError):
        pass


def _cpu_name(root: Path) -> str:
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()


def memory() -> Finding:
    import psutil

    found = psutil.virtual_memory()
    total = memory_total()
    free = min(memory_available(), total)
    facts = {
        "total": f"{total / GIGA:.1f}",
        "machine": f"{found.total / GIGA:.1f}",
        "free": f"{free / GIGA:.1f}",
        "bytes": total,
    }
    if total < LITTLE_MEMORY:
        return Finding("memory", "note", "memory_little", facts)
    return Finding("memory", "ok", "memory_bound" if total < found.total else "memory", facts)


def gpus(smi: str | None = None) -> Iterator[Finding]:
    """What the driver tells of each NVIDIA card; whether a card is here that no driver speaks for."""
    program = smi or shutil.which("nvidia-smi")
    if program is None:
        seen = any(file.exists() for file in DEVICE_FILES)
        yield Finding("gpu", "fix", "gpu_no_smi") if seen else Finding("gpu", "ok", "gpu_none")
        return
    code, said = _ask(program)
    if code:
        yield Finding("gpu", "fix", "gpu_no_driver", {"said": said})
        return
    for line in said.splitlines():
        name, _, rest = line.partition(",")
        size, _, driver = rest.partition(",")
        megabytes = size.strip()
        shown = f"{int(megabytes) * 1.048576e-3:.1f} GB" if megabytes.isdigit() else "-"
        yield Finding("gpu", "ok", "gpu", {"name": name.strip(), "memory": shown, "driver": driver.strip()})


def _ask(program: str) -> tuple[int, str]:
    command = [program, f"--query-gpu={DRIVER_FIELDS}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, type(error).__name__
    said = (done.stdout if done.returncode == 0 else done.stdout or done.stderr).strip()
    return done.returncode or int(not said), said if done.returncode == 0 else said.partition("\n")[0]
