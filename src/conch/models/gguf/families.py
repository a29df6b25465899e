"""Model families: how each one's config and tensors are told to llama.cpp.

Names of tensors come from the `gguf` package's own maps. Here is what those don't know: which
weights are stored otherwise, and what the file says of the shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError, first_line
from conch.core.notice import Notice
from conch.models.gguf.rope import add_rope, rope_of


@dataclass(frozen=True)
class Family:
    """`arch` is llama.cpp's name of the architecture."""

    arch: str
    interleaved: bool = False
    """Whether llama.cpp rotates neighbouring numbers, where transformers rotates the halves of a head."""
    norms_from_zero: bool = False
    """Whether norms are stored as their distance from 1."""
    more: Callable[[Any, Any], None] = lambda writer, config: None
    """Writes what only this family has."""


def _gemma3(writer: Any, config: Any) -> None:
    head, layers = config.head_dim, config.num_hidden_layers
    # llama.cpp knows the 27B model by its 62 layers, and divides by the head's size in all others
    divisor = config.hidden_size // config.num_attention_heads if layers == 62 else head
    kinds = ["full_attention" if layer % 6 == 5 else "sliding_attention" for layer in range(layers)]
    if config.query_pre_attn_scalar != divisor or list(config.layer_types) != kinds:
        raise ExportError("gguf.gemma3")
    if config.attn_logit_softcapping or config.final_logit_softcapping:
        raise ExportError("gguf.gemma3")
    writer.add_sliding_window(int(config.sliding_window))
    writer.add_rope_freq_base_swa(float(rope_of(config, "sliding_attention")["rope_theta"]))


FAMILIES = {
    "llama": Family("llama", interleaved=True),
    "mistral": Family("llama", interleaved=True),
    "qwen2": Family("qwen2"),
    "qwen3": Family("qwen3"),
    "gemma3_text": Family("gemma3", norms_from_zero=True, more=_gemma3),
    "phi3": Family("phi3"),
}


def read_config(folder: Path) -> Any:
    """The config of the text model in `folder`, with the defaults that its file leaves out."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(folder).get_text_config()
    except Exception as error:  # an unknown type, code of its own, a damaged file
        raise ExportError("gguf.no_family", kind=first_line(error), known=", ".join(FAMILIES)) from error


def family_of(config: Any) -> Family:
    """Raises ExportError where llama.cpp, or this module, does not know the family."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ExportError("gguf.no_family", kind=config.model_type, known=", ".join(FAMILIES))
    act = getattr(config, "hidden_act", None) or config.hidden_activation
    if act not in {"silu", "gelu_pytorch_tanh"}:
        raise ExportError("gguf.no_family", kind=f"hidden_act {act}", known="silu")
    return family


def head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def add_shape(writer: Any, config: Any, family: Family, rows: int) -> dict[str, Any]:
    """Write the model's shape; `rows` is the size of its vocabulary. Tensors that belong to it, by name."""
    head = head_size(config)
    writer.add_vocab_size(rows)
    writer.add_context_length(int(config.max_position_embeddings))
    writer.add_embedding_length(int(config.hidden_size))
    writer.add_block_count(int(config.num_hidden_layers))
    writer.add_feed_forward_length(int(config.intermediate_size))
    writer.add_head_count(int(config.num_attention_heads))
    writer.add_head_count_kv(int(config.num_key_value_heads))
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(float(config.rms_norm_eps))
    family.more(writer, config)
    return add_rope(writer, config, family.arch, head)


def window_notices(config: Any, family: Family) -> tuple[Notice, ...]:
    """llama.cpp attends to everything where these models attend to a window."""
    window = getattr(config, "sliding_window", None)
    slides = getattr(config, "use_sliding_window", True)
    if family.arch == "gemma3" or not window or not slides or window >= config.max_position_embeddings:
        return ()
    return (Notice("gguf.window", {"window": int(window)}),)


def as_stored(name: str, values: Any, config: Any, family: Family) -> Any:
    """A tensor as llama.cpp wants it, by its name in transformers."""
    if family.norms_from_zero and name.endswith("norm.weight"):
        return values + 1.0
    if family.interleaved and name.rpartition(".")[0].endswith(("q_proj", "k_proj")):
        heads = config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads
        return interleaved(values, int(heads))
    return values


def interleaved(values: Any, heads: int) -> Any:
    """Rows of each head reordered: (first half, second half) → pairs of one from each."""
    rows = values.shape[0]
    split = values.reshape(heads, 2, rows // heads // 2, *values.shape[1:])
    return split.swapaxes(1, 2).reshape(values.shape)


def size_label(parameters: int) -> str:
    """Such as 135M or 1.5B."""
    for unit, scale in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if parameters >= scale:
            amount = parameters / scale
            return (
                f"{amount:.1f}{unit}" if amount < 10 and unit == "B" else f"{math.floor(amount + 0.5)}{unit}"
            )
    return str(parameters)
