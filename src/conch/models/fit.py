"""Whether a model can be tuned on this machine: LoRA, QLoRA, full training at 1 × 1024 tokens. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from conch.config.keys import LATER
from conch.config.load import load_train
from conch.models.hardware import Room
from conch.models.headers import ModelFiles
from conch.models.memory import BYTES, MemoryEstimate, estimate

TOKENS = 1024
"""Of the one row that the estimate is made for, all of them with a label."""
METHODS = ("lora", "qlora", "full")
TO_COME = frozenset({"qlora"} if "quantization_bit" in LATER else ())
"""Methods that are estimated, but that a training can't be asked for yet."""
NF4_BYTES = 0.5 + 4 / 256 / 4 + 1 / 64
"""A weight in NF4 with its scales, doubly quantised (Dettmers et al. 2023, arXiv:2305.14314, section 3)."""
USABLE = 0.92
"""Share of a memory that a program gets to use."""


@dataclass(frozen=True)
class Fit:
    """What one method takes, in bytes by part, and whether that is there."""

    memory: MemoryEstimate
    fits: bool
    estimate_only: bool = False
    """Whether Conch can't train so yet."""

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self.memory), "fits": self.fits, "estimate_only": self.estimate_only}


def fits(files: ModelFiles, room: Room) -> dict[str, Fit]:
    """For each of METHODS what it takes and whether `room` has it."""
    files = _flat(files)
    found = {}
    for method in METHODS:
        memory = _estimate(files, method, room)
        found[method] = Fit(memory, memory.total <= USABLE * room.bytes, method in TO_COME)
    return found


def _flat(files: ModelFiles) -> ModelFiles:
    """The sizes of a model that also sees or hears stand in a part of its config."""
    inner = files.config.get("text_config")
    return replace(files, config={**files.config, **inner}) if isinstance(inner, dict) else files


def _estimate(files: ModelFiles, method: str, room: Room) -> MemoryEstimate:
    kind = "full" if method == "full" else "lora"
    values = {"model_name_or_path": "-", "dataset": "-", "finetuning_type": kind}
    config = load_train(values=values).config
    memory = estimate(files, config, room.dtype, TOKENS, TOKENS, device=room.kind)
    if method != "qlora":
        return memory
    inner = sum(
        tensor.size for name, tensor in files.tensors.items() if ".layers." in name and len(tensor.shape) == 2
    )
    saved = round(inner * (BYTES[room.dtype] - NF4_BYTES))
    return replace(memory, weights=memory.weights - saved, total=memory.total - saved)
