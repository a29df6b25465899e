"""How the weights move: batches, steps, learning rate, precision."""

from __future__ import annotations

from typing import Literal

from conch.config.types import Count, Int, Node, NotNegative, Positive, Settings, Share, Size, Str


class OptimisationConfig(Node):
    per_device_train_batch_size: Count = 8
    per_device_eval_batch_size: Count = 8
    gradient_accumulation_steps: Count = 1
    num_train_epochs: Positive = 3.0
    max_steps: Int = -1
    learning_rate: Positive = 5e-5
    weight_decay: NotNegative = 0.0
    max_grad_norm: NotNegative = 1.0
    optim: Str = "adamw_torch"
    lr_scheduler_type: Str = "linear"
    lr_scheduler_kwargs: Settings | None = None
    warmup_ratio: Share = 0.0
    warmup_steps: NotNegative = 0.0
    neftune_noise_alpha: Positive | None = None
    seed: Size = 42
    data_seed: Size | None = None


class PrecisionConfig(Node):
    """Number formats and memory. `bf16` and `fp16` unset: chosen by what the hardware multiplies fast."""

    bf16: bool | None = None
    fp16: bool | None = None
    pure_bf16: bool = False
    upcast_layernorm: bool = False
    disable_gradient_checkpointing: bool = False
    enable_liger_kernel: bool = False


LR_SCHEDULERS = (
    "linear",
    "cosine",
    "cosine_with_restarts",
    "polynomial",
    "constant",
    "constant_with_warmup",
    "inverse_sqrt",
    "reduce_lr_on_plateau",
    "cosine_with_min_lr",
    "cosine_warmup_with_min_lr",
    "warmup_stable_decay",
    "greedy",
)
"""The names that transformers' scheduler table knows; a test holds the two together."""

Schedule = Literal["no", "steps", "epoch"]
