"""What a run needs a turn on: the CPU, or one of the GPUs. Told without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core import env
from conch.core.leftovers import hostname

SLOTS_FILE = "slots"
"""`CONCH_HOME/slots` holds one number: how many runs may share a device. 1 without it."""


@dataclass(frozen=True)
class Pool:
    """Devices that are as good as one another: a run waits for any of them."""

    name: str
    devices: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where runs wait and where devices are claimed: of this machine, since its devices are its own."""
        return env.home() / "queue" / _plain(hostname() or "here") / self.name

    def slots(self) -> list[tuple[str, Path]]:
        """Each place to work as (device, its claim): every device once before any of them twice."""
        return [
            (device, self.folder / f"slot-{_plain(device)}-{number}")
            for number in range(slots_each())
            for device in self.devices
        ]


def slots_each() -> int:
    """How many runs may use one device at the same time."""
    try:
        return max(1, int((env.home() / SLOTS_FILE).read_text().strip()))
    except (OSError, ValueError):
        return 1


def pool_of(config: Mapping[str, Any]) -> Pool:
    """Where a run with this flat config will compute."""
    gpus = [] if config.get("use_cpu") is True else visible_gpus()
    return Pool("cuda", tuple(f"cuda:{gpu}" for gpu in gpus)) if gpus else Pool("cpu", ("cpu",))


def visible_gpus(place: Path = Path("/dev")) -> list[str]:
    """NVIDIA's GPUs as CUDA counts them, or those that the environment leaves visible."""
    chosen = env.visible_gpus()
    if chosen is not None:
        return chosen
    return [str(number) for number, _ in enumerate(p for p in place.glob("nvidia*") if p.name[6:].isdigit())]


def use(device: str) -> None:
    """Let this process see no other GPU than the one that it claimed."""
    kind, _, number = device.partition(":")
    if kind == "cuda":
        env.show_only_gpu(number)


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", name)
