"""Processor, memory and graphics cards, with what a container leaves of them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from conch.core.cores import usable_cores
from conch.models import nvidia
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
    program = smi or nvidia.program()
    if program is None:
        seen = any(file.exists() for file in DEVICE_FILES)
        yield Finding("gpu", "fix", "gpu_no_smi") if seen else Finding("gpu", "ok", "gpu_none")
        return
    told = nvidia.ask(program, DRIVER_FIELDS)
    if not told.works:
        yield Finding("gpu", "fix", "gpu_no_driver", {"said": told.said})
        return
    for line in told.said.splitlines():
        name, _, rest = line.partition(",")
        size, _, driver = rest.partition(",")
        megabytes = size.strip()
        shown = f"{int(megabytes) * 1.048576e-3:.1f} GB" if megabytes.isdigit() else "-"
        yield Finding("gpu", "ok", "gpu", {"name": name.strip(), "memory": shown, "driver": driver.strip()})
