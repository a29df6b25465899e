"""What this machine multiplies fast, and therefore which number format to train in. No torch."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from conch.config.optimisation import PrecisionConfig
from conch.core.notice import Notice
from conch.core.text import tr
from conch.models import nvidia
from conch.runs.machine import memory_total

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
    notices: tuple[Notice, ...] = ()
    """What the user should know about what was asked for."""

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


def choose_precision(device: Device, asked: PrecisionConfig, *, int8: bool = False) -> Precision:
    """The format to compute in: as asked, else what the device multiplies fast.

    `bf16: false` alone asks for fp32, as it does in LLaMA-Factory. With frozen weights in `int8`, all
    else is in fp32.
    """
    return replace(_choice(device, asked, int8), notices=tuple(_cautions(device, asked, int8)))


def _choice(device: Device, asked: PrecisionConfig, int8: bool) -> Precision:
    if int8:
        return Precision("float32", tr("training.precision_int8"))
    if asked.bf16 or asked.pure_bf16:
        return Precision("bfloat16", tr("training.precision_asked", key="bf16"))
    if asked.fp16:
        return Precision("float16", tr("training.precision_asked", key="fp16"))
    if asked.bf16 is False:
        return Precision("float32", tr("training.precision_asked", key="bf16: false"))
    if device.bf16:
        return Precision("bfloat16", device.why)
    if device.kind == "cuda" and asked.fp16 is None:
        return Precision("float16", device.why)
    return Precision("float32", device.why)


def _cautions(device: Device, asked: PrecisionConfig, int8: bool) -> Iterator[Notice]:
    """What was asked for and does not pay on this device, or has no effect."""
    if int8 and (asked.bf16 or asked.pure_bf16 or asked.fp16):
        yield Notice("training.int8_is_fp32", {})
    elif (asked.bf16 or asked.pure_bf16) and device.kind == "cpu" and not device.bf16:
        yield Notice("training.slow_bf16", {"reason": device.why})
    if asked.enable_liger_kernel and device.kind != "cuda":
        yield Notice("training.no_liger", {"device": device.kind})


@dataclass(frozen=True)
class Room:
    """The memory that a model trains in: a GPU's if there is one, else the machine's. In bytes."""

    kind: Literal["cuda", "cpu"]
    name: str
    bytes: int
    dtype: Dtype
    """The number format that training would choose here."""


def find_room() -> Room:
    """The largest GPU as the driver lists it, else main memory. Without torch, so that listing is light."""
    gpus = [line.rpartition(",") for line in _nvidia_smi().splitlines()]
    sizes = [(int(size) << 20, name.strip()) for name, _, size in gpus if size.strip().isdigit()]
    if sizes:
        size, name = max(sizes)
        return Room("cuda", name, size, "bfloat16")
    return Room("cpu", "CPU", memory_total(), "bfloat16" if cpu_device().bf16 else "float32")


def free_on_gpu(number: str) -> int | None:
    """Bytes free on a GPU, as the driver numbers or names it; None where the driver does not tell."""
    told = _nvidia_smi("memory.free", f"--id={number}").strip()
    return int(told) << 20 if told.isdigit() else None


def _nvidia_smi(fields: str = "name,memory.total", *words: str) -> str:
    program = nvidia.program()
    told = nvidia.ask(program, fields, *words) if program else None
    return told.said if told and told.works else ""
