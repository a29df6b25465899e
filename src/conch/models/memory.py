"""How much memory a training run will take, by its parts, from headers alone. No torch.

An estimate for the plan that `--dry-run` shows; the parts are the usual ones of mixed-precision
training (Rajbhandari et al. 2020, arXiv:1910.02054, section 3) plus what one micro batch keeps
for the backward pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conch.config.method import FreezeConfig, LoraConfig
from conch.config.train import TrainConfig
from conch.models.headers import ModelFiles, Tensor

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
RUNTIME_BYTES = 450_000_000
"""What the interpreter and the libraries take before any weight is read (measured on Linux, CPU)."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by part."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    runtime: int = RUNTIME_BYTES

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits + self.runtime


def trainable_parameters(files: ModelFiles, config: TrainConfig) -> int:
    """How many parameters the method will train."""
    match config.method.finetuning_type:
        case "lora":
            return _lora_parameters(files, config.lora)
        case "freeze":
            return _freeze_parameters(files, config.freeze)
        case _:
            return files.parameters


def _lora_parameters(files: ModelFiles, config: LoraConfig) -> int:
    """`r` rows of A and `r` columns of B for every target matrix; whole modules of `additional_target`.

    Names are matched as peft matches them: a target by its last parts, an additional one by its ending.
    """
    everything = config.lora_target == ("all",)
    total = 0
    for name, tensor in _with_output_head(files).items():
        module = name.rpartition(".")[0]
        named = any(f".{module}".endswith(f".{target}") for target in config.lora_target)
        if config.additional_target and module.endswith(config.additional_target):
            total += tensor.size
        elif len(tensor.shape) == 2 and (".layers." in name if everything else named):
            total += config.lora_rank * sum(tensor.shape)
            total += tensor.shape[0] if config.use_dora else 0
    return total


def _with_output_head(files: ModelFiles) -> dict[str, Tensor]:
    """The tensors, and an output head that is tied to the embeddings and therefore in no file."""
    embeddings = next((t for name, t in files.tensors.items() if name.endswith("embed_tokens.weight")), None)
    tied = bool(files.config.get("tie_word_embeddings")) and "lm_head.weight" not in files.tensors
    return {**files.tensors, "lm_head.weight": embeddings} if tied and embeddings else files.tensors


def _freeze_parameters(files: ModelFiles, config: FreezeConfig) -> int:
    indices = [int(m[1]) for name in files.tensors if (m := re.search(r"\.layers\.(\d+)\.", name))]
    count = max(indices, default=-1) + 1
    wanted = min(abs(config.freeze_trainable_layers), count)
    chosen = range(count - wanted, count) if config.freeze_trainable_layers > 0 else range(wanted)
    everything = config.freeze_trainable_modules == ("all",)

    def trains(name: str) -> bool:
        parts = name.split(".")
        layer = re.search(r"\.layers\.(\d+)\.", name)
        if layer is None:
            return any(module in parts for module in config.freeze_extra_modules)
        named = everything or any(module in parts for module in config.freeze_trainable_modules)
        return int(layer[1]) in chosen and named

    return sum(tensor.size for name, tensor in files.tensors.items() if trains(name))


def estimate(files: ModelFiles, config: TrainConfig, dtype: str, tokens: int, trained: int) -> MemoryEstimate:
    """The peak of one step over a micro batch of `tokens` tokens, `trained` of them with a label."""
    trainable = trainable_parameters(files, config)
    lora = config.method.finetuning_type == "lora"
    frozen_bytes = BYTES[dtype] if lora else 4
    weights = files.parameters * frozen_bytes + (trainable * 4 if lora else 0)
    per_value = BYTES[dtype]
    hidden = int(files.config.get("hidden_size", 0))
    inner = int(files.config.get("intermediate_size", 4 * hidden))
    layers = int(files.config.get("num_hidden_layers", 0))
    vocabulary = int(files.config.get("vocab_size", 0))
    # Kept by one layer for each token: inputs of the norms and of the seven linears, queries, keys,
    # values and attention output, and the three values of the gated activation.
    kept = (14 * hidden + 4 * inner) * per_value
    if not config.precision.disable_gradient_checkpointing and config.passthrough.get(
        "gradient_checkpointing"
    ):
        activations = tokens * (hidden * per_value * layers + kept)
    else:
        activations = tokens * kept * layers
    return MemoryEstimate(
        weights=weights,
        gradients=trainable * 4,
        optimizer=trainable * 8,
        activations=activations,
        logits=trained * vocabulary * (4 + 4 + per_value),
    )
