"""What is compared: tools, and how each is set. One line of the table each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conch.config import load_train
from conch.core.errors import ConchError

RANK, BATCH, LEARNING_RATE = 8, 8, 1e-4
BEST_PEER = "llamafactory-packed"
INT8 = {"quantization_bit": 8, "quantization_method": "int8"}


@dataclass(frozen=True)
class Setting:
    """`tool` names the driver and the environment, `file` the dtype of the model's file."""

    name: str
    title: str
    tool: str
    file: str = "fp32"
    options: dict[str, Any] = field(default_factory=dict)
    packs: bool = False
    """Whether a batch is filled up to a number of tokens, so that rows come in another order."""
    multiplies: str = "fp32"
    """The kind of product by whose speed the share of the limit is told."""


NO_CHECKPOINTING = {"disable_gradient_checkpointing": True}
SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(
            "llamafactory-defaults",
            "LLaMA-Factory, its defaults (bf16 of the file, checkpointing)",
            "llamafactory",
            file="bf16",
            multiplies="bf16",
        ),
        Setting(
            "llamafactory-fp32",
            "LLaMA-Factory, fp32, no checkpointing",
            "llamafactory",
            options=NO_CHECKPOINTING,
        ),
        Setting(
            "llamafactory-packed",
            "LLaMA-Factory, fp32, no checkpointing, neat_packing",
            "llamafactory",
            options={**NO_CHECKPOINTING, "packing": True, "neat_packing": True},
            packs=True,
        ),
        Setting("trl", "TRL SFTTrainer, fp32, its defaults (checkpointing)", "trl"),
        Setting(
            "trl-no-checkpointing",
            "TRL SFTTrainer, fp32, no checkpointing",
            "trl",
            options={"gradient_checkpointing": False},
        ),
        Setting("conch-fp32", "Conch, fp32", "conch", options={"bf16": False}),
        Setting(
            "conch-fp32-packed",
            "Conch, fp32, packing to the same batches as neat_packing",
            "conch",
            options={"bf16": False, "packing": True},
            packs=True,
        ),
        Setting(
            "conch-int8",
            "Conch, int8",
            "conch",
            options={"bf16": False, **INT8},
            multiplies="int8",
        ),
        Setting(
            "conch-int8-packed",
            "Conch, int8, packing to the same batches as neat_packing",
            "conch",
            options={"bf16": False, "packing": True, **INT8},
            packs=True,
            multiplies="int8",
        ),
    )
}


def why_not(setting: Setting) -> str | None:
    """Why this Conch can't be set so, if it can't."""
    if setting.tool != "conch":
        return None
    try:
        load_train(values={"model_name_or_path": "model", "dataset": "magic_conch", **setting.options})
    except ConchError as error:
        return error.message
    return None
