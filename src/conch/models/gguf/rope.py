"""Rotary position embeddings: what a model's config says of them → what a GGUF file says."""

from __future__ import annotations

import math
from typing import Any

from conch.core.errors import ExportError


def rope_of(config: Any, layers: str = "full_attention") -> dict[str, Any]:
    """The rotary settings of a config, of one kind of its layers where they differ."""
    settings = dict(config.rope_parameters or {})
    return dict(settings[layers]) if layers in settings else settings


def add_rope(writer: Any, config: Any, arch: str, head: int) -> dict[str, Any]:
    """Write the rotary settings; the tensors of factors that belong to them, by name.

    `head` is the size of an attention head. Raises ExportError for a kind that llama.cpp does not compute.
    """
    rope = rope_of(config)
    kind = rope.get("rope_type", "default")
    if (
        kind not in _SCALINGS
        or (kind == "llama3" and arch != "llama")
        or (kind == "longrope") > (arch == "phi3")
    ):
        raise ExportError("gguf.rope", kind=kind, arch=arch)
    part = float(rope.get("partial_rotary_factor") or 1.0)
    if part != 1.0 and arch != "phi3":
        raise ExportError("gguf.rope", kind=f"partial_rotary_factor {part:g}", arch=arch)
    writer.add_rope_dimension_count(int(head * part))
    writer.add_rope_freq_base(float(rope["rope_theta"]))
    tensors: dict[str, Any] = _SCALINGS[kind](writer, rope, config, int(head * part))
    return tensors


def _plain(writer: Any, rope: dict[str, Any], config: Any, size: int) -> dict[str, Any]:
    return {}


def _linear(writer: Any, rope: dict[str, Any], config: Any, size: int) -> dict[str, Any]:
    from gguf import RopeScalingType

    writer.add_rope_scaling_type(RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(float(rope["factor"]))
    return {}


def _yarn(writer: Any, rope: dict[str, Any], config: Any, size: int) -> dict[str, Any]:
    """YaRN (Peng et al. 2023, arXiv:2309.00071). llama.cpp knows the paper's own attention factor only."""
    from gguf import RopeScalingType

    factor = float(rope["factor"])
    usual = 0.1 * math.log(factor) + 1.0
    own = rope.get("attention_factor")
    unusual = own is not None and abs(own - usual) > 1e-6
    if unusual or rope.get("mscale") or rope.get("mscale_all_dim") or rope.get("truncate") is False:
        raise ExportError("gguf.rope", kind="yarn, attention_factor", arch=writer.arch)
    original = rope.get("original_max_position_embeddings") or config.max_position_embeddings
    writer.add_rope_scaling_type(RopeScalingType.YARN)
    writer.add_rope_scaling_factor(factor)
    writer.add_rope_scaling_orig_ctx_len(int(original))
    writer.add_rope_scaling_yarn_beta_fast(float(rope.get("beta_fast") or 32))
    writer.add_rope_scaling_yarn_beta_slow(float(rope.get("beta_slow") or 1))
    return {}


def _llama3(writer: Any, rope: dict[str, Any], config: Any, size: int) -> dict[str, Any]:
    """Llama 3.1's scaling: a divisor for each frequency, one between the two bounds of wave lengths."""
    import numpy as np

    frequencies = 1.0 / rope["rope_theta"] ** (np.arange(0, size, 2, dtype=np.float64) / size)
    turns = rope["original_max_position_embeddings"] * frequencies / (2 * math.pi)
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    smooth = np.clip((turns - low) / (high - low), 0.0, 1.0)
    divisors = 1.0 / ((1 - smooth) / factor + smooth)
    return {"rope_freqs.weight": divisors.astype(np.float32)}


def _longrope(writer: Any, rope: dict[str, Any], config: Any, size: int) -> dict[str, Any]:
    """LongRoPE (Ding et al. 2024, arXiv:2402.13753): factors for short and for long contexts."""
    import numpy as np

    original = getattr(config, "original_max_position_embeddings", None)
    original = int(original or rope["original_max_position_embeddings"])
    stretch = config.max_position_embeddings / original
    scale = math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
    writer.add_rope_scaling_orig_ctx_len(original)
    writer.add_rope_scaling_attn_factors(float(rope.get("attention_factor") or scale))
    return {
        "rope_factors_long.weight": np.array(rope["long_factor"], dtype=np.float32),
        "rope_factors_short.weight": np.array(rope["short_factor"], dtype=np.float32),
    }


_SCALINGS = {
    "default": _plain,
    "linear": _linear,
    "yarn": _yarn,
    "llama3": _llama3,
    "longrope": _longrope,
}
