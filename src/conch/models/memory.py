"""How much memory a training run will take, by its parts, from headers alone. No torch.

An estimate for the plan that `--dry-run` shows; the parts are the usual ones of mixed-precision
training (Rajbhandari et al. 2020, arXiv:1910.02054, section 3) plus what one micro batch keeps
for the backward pass. `python -m benchmarks.memory_estimate` holds it against real runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conch.config.method import FreezeConfig, LoraConfig
from conch.config.train import TrainConfig
from conch.models.headers import ModelFiles, Tensor

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
STORED = {"BF16": 2, "F16": 2, "F32": 4}
QUANTISED_BYTES = {4: 0.5 + 4 / 256 / 4 + 1 / 64, 8: 1.0}
"""A weight in so many bits. With 4 its scales count, doubly quantised (Dettmers et al. 2023,
arXiv:2305.14314, section 3); with 8 there is one for each row, too few to count."""
RUNTIME_BYTES = 400_000_000
"""What the interpreter and the libraries take before any weight is read (measured on Linux, CPU)."""
LOGIT_BYTES = 12
"""For each label and word: log-probabilities, their gradient, and the gradient of the logits, in fp32."""
LOGIT_CHUNK = 96 << 20
"""Where the loss is taken by chunks, so many bytes of logits exist at a time. Smaller chunks read the
head's weights too often."""
HOLES = 0.15
"""On a CPU: what the heap holds between activations, as a share of them (measured)."""
REPEATED_LAYERS = 5
"""With checkpointing: layers whose whole activations the heap holds at once. One is needed (measured)."""
KERNEL_BYTES = {4: 30_000_000, 2: 100_000_000}
"""On a CPU: kernels compiled for shapes, by the bytes of a value that they compute with (measured)."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes by part, each at its largest. They are not all at their largest at the same time."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    runtime: int
    total: int
    """The peak, which is less than their sum."""


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


def estimate(
    files: ModelFiles,
    config: TrainConfig,
    dtype: str,
    tokens: int,
    trained: int,
    device: str = "cpu",
    *,
    in_parts: bool = False,
) -> MemoryEstimate:
    """The peak of one step over a micro batch of `tokens` tokens, `trained` of them with a label.

    Or over a part of it, where it is computed `in_parts`.

    A step is at its peak where the loss goes back into the model: all activations are there, but no
    gradients yet, unless those of what came before in the step wait for it; or at its end, when all
    gradients are there. Reading weights that are stored in another format takes both for a moment.
    """
    trainable = trainable_parameters(files, config)
    weights = _weights(files, config, dtype, trainable)
    gradients, optimizer = trainable * _held(config, dtype), trainable * _moments(config, dtype)
    fused = device == "cpu" and (_is_lora(config) or dtype == "float32")
    activations = _activations(files, config, dtype, tokens, fused) + _casts(config, dtype, trainable)
    activations += round(HOLES * activations) + KERNEL_BYTES[BYTES[dtype]] if device == "cpu" else 0
    vocabulary = int(files.config.get("vocab_size", 0))
    logits = logit_bytes(trained, vocabulary, chunked=fused)
    middle = activations + logits
    waiting = gradients if in_parts or config.optimisation.gradient_accumulation_steps > 1 else 0
    training = weights + optimizer + max(middle + waiting, gradients)
    loading = weights if _stored_as_held(files, config, dtype) else weights + _stored(files)
    return MemoryEstimate(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        logits=logits,
        runtime=RUNTIME_BYTES,
        total=RUNTIME_BYTES + max(training, loading),
    )


def logit_bytes(labels: int, vocabulary: int, *, chunked: bool) -> int:
    """What the logits of so many labels take together with their loss."""
    if chunked:
        return min(labels * vocabulary * 4, LOGIT_CHUNK)
    return labels * vocabulary * LOGIT_BYTES


def _is_lora(config: TrainConfig) -> bool:
    return config.method.finetuning_type == "lora"


def _held(config: TrainConfig, dtype: str) -> int:
    """Bytes of a weight that trains, and of its gradient."""
    return BYTES[dtype] if config.precision.pure_bf16 and not _is_lora(config) else 4


def _moments(config: TrainConfig, dtype: str) -> int:
    """Bytes that the optimiser keeps for a weight that trains: Adam's two moments."""
    name = config.optimisation.optim
    if "adam" not in name:
        return 0
    return 2 if "8bit" in name else 2 * _held(config, dtype)


def _base_bytes(config: TrainConfig, dtype: str) -> int:
    """Bytes of a weight of the base, as it is held."""
    return BYTES[dtype] if _is_lora(config) else _held(config, dtype)


def _weights(files: ModelFiles, config: TrainConfig, dtype: str, trainable: int) -> int:
    bits = config.quantization.quantization_bit
    quantised = _linear_parameters(files) if bits else 0
    held = round(quantised * QUANTISED_BYTES[bits]) if bits else 0
    rest = (files.parameters - quantised) * _base_bytes(config, dtype)
    return rest + held + (trainable * 4 if _is_lora(config) else 0)


def _linear_parameters(files: ModelFiles) -> int:
    """Parameters of the matrices in the layers, which are quantised where anything is."""
    return sum(t.size for name, t in files.tensors.items() if len(t.shape) == 2 and ".layers." in name)


def _stored(files: ModelFiles) -> int:
    return files.parameters * STORED.get(files.dtype, 4)


def _stored_as_held(files: ModelFiles, config: TrainConfig, dtype: str) -> bool:
    """Whether the weights are used where the file is mapped, without a copy."""
    return STORED.get(files.dtype) == _base_bytes(config, dtype)


def _casts(config: TrainConfig, dtype: str, trainable: int) -> int:
    """Weights that are held in fp32 and computed in half of it are copied for each step."""
    return trainable * BYTES[dtype] if BYTES[dtype] < _held(config, dtype) else 0


def _activations(files: ModelFiles, config: TrainConfig, dtype: str, tokens: int, fused: bool) -> int:
    """What is kept of each token for the backward pass, in all layers."""
    layers = int(files.config.get("num_hidden_layers", 0))
    kept = _kept_fused(files, config) if fused else _kept(files, config, dtype)
    if (
        config.passthrough.get("gradient_checkpointing")
        and not config.precision.disable_gradient_checkpointing
    ):
        hidden = int(files.config.get("hidden_size", 0))
        return tokens * (layers * hidden * BYTES[dtype] + min(layers, REPEATED_LAYERS) * kept)
    return tokens * kept * layers


def _kept_fused(files: ModelFiles, config: TrainConfig) -> int:
    """Bytes that one layer keeps of one token where its steps are fused: all in fp32, each value once.

    The inputs of both norms and what they give, queries, keys and values, the attention's output, gate
    and up, and their product.
    """
    shape = _shape(files)
    values = 4 * shape.hidden + 2 * shape.queries + 2 * shape.keys + 3 * shape.inner
    return (values + _ranks(config)) * 4


def _ranks(config: TrainConfig) -> int:
    """Values of one token under the A of each adapter of a layer."""
    if not _is_lora(config):
        return 0
    targets = 7 if config.lora.lora_target == ("all",) else len(config.lora.lora_target)
    return targets * config.lora.lora_rank


@dataclass(frozen=True)
class _Shape:
    """Values of one token in a layer."""

    hidden: int
    inner: int
    queries: int
    keys: int


def _shape(files: ModelFiles) -> _Shape:
    hidden = int(files.config.get("hidden_size", 0))
    inner = int(files.config.get("intermediate_size", 0)) or 4 * hidden
    heads = int(files.config.get("num_attention_heads", 0)) or 1
    width = int(files.config.get("head_dim") or hidden // heads)
    keys = int(files.config.get("num_key_value_heads") or heads) * width
    return _Shape(hidden, inner, heads * width, keys)


def _kept(files: ModelFiles, config: TrainConfig, dtype: str) -> int:
    """Bytes that one layer keeps of one token.

    Counted on a Llama in this trainer: the inputs of both norms (under autocast in fp32 and once more
    in half of it), queries, keys, values and the attention's output, three values of the gated
    activation; and what the linear layers read, where they or their adapters train.
    """
    shape = _shape(files)
    hidden, inner, queries, keys = shape.hidden, shape.inner, shape.queries, shape.keys
    size = BYTES[dtype]
    mixed = size < _held(config, dtype) or (size < 4 and _is_lora(config))
    values = 3 * inner + 2 * queries + 2 * keys + (3 * hidden if mixed else 0)
    read = _read(hidden, queries, inner, config)
    full_precision = 2 * hidden * (1 if _is_lora(config) else 2)  # a norm that trains keeps its output
    return (values + read + _ranks(config)) * size + full_precision * 4


def _read(hidden: int, queries: int, inner: int, config: TrainConfig) -> int:
    """Values that the linear layers of a block read, where their weights or adapters train."""
    targets = config.lora.lora_target if _is_lora(config) else ("all",)

    def any_of(*names: str) -> bool:
        return targets == ("all",) or any(target.rpartition(".")[2] in names for target in targets)

    dropout = 2 if _is_lora(config) and config.lora.lora_dropout else 1  # the mask is kept, too
    return dropout * (
        hidden * any_of("q_proj", "k_proj", "v_proj")
        + queries * any_of("o_proj")
        + hidden * any_of("gate_proj", "up_proj")
        + inner * any_of("down_proj")
    )
