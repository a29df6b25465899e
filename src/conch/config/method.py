"""What is trained: the stage, and which weights move."""

from __future__ import annotations

from typing import Literal

from conch.config.types import Count, Int, Names, Node, Positive, Share


class LoraConfig(Node):
    """Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685)."""

    lora_rank: Count = 8
    lora_alpha: Count | None = None
    lora_dropout: Share = 0.0
    lora_target: Names = ("all",)
    additional_target: Names = ()
    use_rslora: bool = False
    use_dora: bool = False
    pissa_init: bool = False
    pissa_iter: Int = 16
    loraplus_lr_ratio: Positive | None = None
    loraplus_lr_embedding: Positive = 1e-6
    create_new_adapter: bool = False

    def alpha(self) -> int:
        """The scale's numerator: twice the rank unless given, so that the scale is 2."""
        return self.lora_alpha if self.lora_alpha is not None else 2 * self.lora_rank


class FreezeConfig(Node):
    """Training of some layers, the rest frozen."""

    freeze_trainable_layers: Int = 2
    freeze_trainable_modules: Names = ("all",)
    freeze_extra_modules: Names = ()


class MethodConfig(Node):
    stage: Literal["sft", "pt"] = "sft"
    finetuning_type: Literal["lora", "full", "freeze"] = "lora"
