"""Whether a model can be tuned on this machine: LoRA, QLoRA, full training at 1 × 1024 tokens. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from conch.config.load import load_train
from conch.models.hardware import Room
from conch.models.headers import ModelFiles
from conch.models.memory import MemoryEstimate, estimate

TOKENS = 1024
"""Of the one row that the estimate is made for, all of them with a label."""
METHODS = ("lora", "qlora", "full")
USABLE = 0.92
"""Share of a memory that a program gets to use."""


@dataclass(frozen=True)
class Fit:
    """What one method takes, in bytes by part, and whether that is there."""

    memory: MemoryEstimate
    fits: bool
    estimate_only: bool = False
    """Whether no training here can be asked for it: 4 bits take a CUDA GPU."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self.memory), "fits": self.fits, "estimate_only": self.estimate_only}


def fits(files: ModelFiles, room: Room) -> dict[str, Fit]:
    """For each of METHODS what it takes and whether `room` has it."""
    files = _flat(files)
    found = {}
    for method in METHODS:
        memory = _estimate(files, method, room)
        elsewhere = method == "qlora" and room.kind != "cuda"
        found[method] = Fit(memory, memory.total <= USABLE * room.bytes, elsewhere)
    return found


def _flat(files: ModelFiles) -> ModelFiles:
    """The sizes of a model that also sees or hears stand in a part of its config."""
    inner = files.config.get("text_config")
    return replace(files, config={**files.config, **inner}) if isinstance(inner, dict) else files


def _estimate(files: ModelFiles, method: str, room: Room) -> MemoryEstimate:
    kind = "full" if method == "full" else "lora"
    values: dict[str, Any] = {"model_name_or_path": "-", "dataset": "-", "finetuning_type": kind}
    if method == "qlora":
        values["quantization_bit"] = 4
    config = load_train(values=values).config
    return estimate(files, config, room.dtype, TOKENS, TOKENS, device=room.kind)
