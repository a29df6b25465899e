"""What this machine multiplies fast, and therefore which number format to train in. No torch."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conch.config.optimisation import PrecisionConfig
from conch.core.text import tr

Dtype = Literal["float32", "bfloat16", "float16"]
FAST_BF16 = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
"""CPU flags under which bf16 products are faster than fp32 ones (x86 as Linux names them; arm64's bf16)."""


@dataclass(frozen=True)
class Device:
    """A place to compute. `bf16` is whether it multiplies bf16 fast, `why` the evidence for it."""

    kind: Literal["cpu", "cuda", "mps"]
    bf16: bool
    why: str


@dataclass(frozen=True)
class Precision:
    """The chosen number format and the reason, in the user's language."""

    dtype: Dtype
    reason: str

    @property
    def mixed(self) -> bool:
        return self.dtype != "float32"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The instruction-set flags of the first CPU; empty where the system does not tell."""
    try:
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"flags", "Features"}:
                return frozenset(value.split())
    except OSError:
        pass
    return frozenset()


def cpu_device(flags: frozenset[str] | None = None) -> Device:
    found = sorted(FAST_BF16 & (cpu_flags() if flags is None else flags))
    if found:
        return Device("cpu", True, tr("training.cpu_bf16", flag=found[0]))
    return Device("cpu", False, tr("training.cpu_no_bf16", machine=platform.machine()))


def find_device(use_cpu: bool = False) -> Device:
    """The best device here: CUDA, then Apple's MPS, then the CPU."""
    import torch

    if not use_cpu and torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        return Device("cuda", torch.cuda.is_bf16_supported(including_emulation=False), name)
    if not use_cpu and torch.backends.mps.is_available():
        return Device("mps", False, "MPS")
    return cpu_device()


def fast_dtype(stored: str, device: Device) -> str:
    """The format to run a model in that is stored as `stored`: the same, unless the CPU is slow at it."""
    slow = device.kind == "cpu" and (stored == "float16" or (stored == "bfloat16" and not device.bf16))
    return "float32" if slow else stored


def choose_precision(device: Device, asked: PrecisionConfig) -> Precision:
    """The format to compute in: as asked, else what the device multiplies fast."""
    if asked.bf16 or asked.pure_bf16:
        return Precision("bfloat16", tr("training.precision_asked", key="bf16"))
    if asked.fp16:
        return Precision("float16", tr("training.precision_asked", key="fp16"))
    if asked.bf16 is False and asked.fp16 is False:
        return Precision("float32", tr("training.precision_asked", key="bf16/fp16: false"))
    if device.bf16 and asked.bf16 is None:
        return Precision("bfloat16", device.why)
    if device.kind == "cuda" and asked.fp16 is None:
        return Precision("float16", device.why)
    return Precision("float32", device.why)
