"""Attention over packed rows on a GPU: FlashAttention's kernel for sequences of varying length, as torch
brings it along (Dao 2023, arXiv:2307.08691). One call for all segments."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate

import torch

LEAST_CAPABILITY = (8, 0)
"""CUDA's compute capability from which on the kernel runs (Ampere)."""
LARGEST_HEAD = 256


def fits(
    dtype: torch.dtype, dim: int, dropout: float, capability: tuple[int, int] | None, built: bool
) -> bool:
    """Whether the kernel computes such heads on a GPU of this capability; None is no GPU."""
    return (
        built
        and capability is not None
        and capability >= LEAST_CAPABILITY
        and dtype in {torch.bfloat16, torch.float16}
        and dim % 8 == 0
        and dim <= LARGEST_HEAD
        and dropout == 0
    )


def fits_here(query: torch.Tensor, dropout: float) -> bool:
    """Whether the kernel computes attention with this query [1, heads, T, dim], where that is."""
    capability = torch.cuda.get_device_capability(query.device) if query.is_cuda else None
    built = capability is not None and find_spec("torch.nn.attention.varlen") is not None
    return fits(query.dtype, query.shape[-1], dropout, capability, built)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Sequence[int],
    window: int | None,
    scale: float | None,
) -> torch.Tensor:
    """Causal attention of [1, heads, T, dim], T being `segments` in a row; gives [1, T, heads, dim]."""
    from torch.nn.attention.varlen import varlen_attn

    q, k, v = (tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value))
    bounds = torch.tensor([0, *accumulate(segments)], dtype=torch.int32, device=q.device)
    out = varlen_attn(
        q,
        k,
        v,
        bounds,
        bounds,
        max(segments),
        max(segments),
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=q.shape[1] != k.shape[1],
    )
    assert isinstance(out, torch.Tensor)  # more comes only where it is asked for
    return out[None]
