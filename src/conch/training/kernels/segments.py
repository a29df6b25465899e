"""Causal attention over packed rows: each segment sees itself only.

A packed row holds many examples behind one another. A dense mask would compute attention
between all of them and throw most of it away; here each segment is one call of PyTorch's
fused attention, so the work grows with the sum of squared lengths instead of the square of
the sum. Registered in transformers' attention interface; nothing of a model is rewritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface

from conch.training.kernels import varlen

NAME = "conch_segments"
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.15, torch.float16: 0.05, torch.int8: 0.05}
"""How far the probe's logits may lie from the plain path's, relative to the largest of them.
Attention that leaks between segments is off by more than ten times as much."""


def segment_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    segments: Sequence[int] | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of [1, heads, T, dim] tensors whose T tokens are `segments` behind one another.

    Returns [1, T, heads, dim], as transformers' attention functions do. Raises ValueError where a
    model asks for what is not computed here; `is_exact_for` turns that into the plain path.
    """
    if segments is None or softcap is not None:
        raise ValueError("packed rows need their segments, and no soft cap")
    return attend(query, key, value, segments, sliding_window, dropout, scaling), None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    segments: Sequence[int],
    sliding_window: int | None,
    dropout: float,
    scaling: float | None,
) -> torch.Tensor:
    """The attention itself by PyTorch: in one call where a GPU can, else segment after segment."""
    if varlen.fits_here(query, dropout):
        return varlen.attend(query, key, value, segments, sliding_window, scaling)
    outputs = []
    parts = [torch.split(tensor, list(segments), dim=2) for tensor in (query, key, value)]
    for q, k, v in zip(*parts, strict=True):
        window = sliding_window if sliding_window is not None and sliding_window < q.shape[2] else None
        outputs.append(
            scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=None if window is None else _window_mask(q.shape[2], window, q.device),
                dropout_p=dropout,
                is_causal=window is None,
                scale=scaling,
                enable_gqa=q.shape[1] != k.shape[1],
            )
        )
    return torch.cat(outputs, dim=2).transpose(1, 2).contiguous()


def _window_mask(length: int, window: int, device: torch.device) -> torch.Tensor:
    """True where a token sees another: itself and the `window - 1` before it."""
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)[None, :]
    return (distance >= 0) & (distance < window)


def _no_mask(*_: Any, **__: Any) -> None:
    """The segments say everything that a mask would."""


AttentionInterface.register(NAME, segment_attention)
AttentionMaskInterface.register(NAME, _no_mask)


@contextmanager
def segmented(model: PreTrainedModel) -> Iterator[None]:
    """Let `model` read packed rows inside the block."""
    before = model.config._attn_implementation
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@torch.no_grad()
def is_exact_for(model: PreTrainedModel) -> bool:
    """Whether `model` computes the same packed as alone, tried on two short sequences.

    Models with recurrent layers, soft caps or positions of their own fail this and take padded rows.
    """
    size = model.get_input_embeddings().num_embeddings
    first, second = torch.arange(7) % size, (torch.arange(5) * 3 + 1) % size
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        alone = [model(ids[None].to(device), use_cache=False).logits[0] for ids in (first, second)]
        with segmented(model):
            together = model(
                torch.cat([first, second])[None].to(device),
                position_ids=torch.cat([torch.arange(7), torch.arange(5)])[None].to(device),
                segments=[7, 5],
                use_cache=False,
            ).logits[0]
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError):
        return False
    finally:
        model.train(was_training)
    wanted = torch.cat(alone).float()
    formats = {parameter.dtype for parameter in model.parameters()}
    allowed = max(TOLERANCE.get(dtype, 1e-3) for dtype in formats) * wanted.abs().max()
    return bool((together.float() - wanted).abs().max() <= allowed)
