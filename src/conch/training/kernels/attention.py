"""Causal attention over packed rows in C, with its own gradient: of each segment only what it can see."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch

from conch.models.native import native_for


class SegmentAttention(torch.autograd.Function):
    """Attention of q [T, heads, dim] on k and v [T, key heads, dim], T tokens being `segments` in a row.

    A token sees itself and what stands before it in its segment, `window` tokens in all unless that is
    0. Gives [T, heads, dim]. The scores are not kept, but computed once more for the gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        segments: Sequence[int],
        window: int,
        scale: float,
    ) -> torch.Tensor:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        tokens, heads, dim = q.shape
        ctx.shape = (len(segments), heads, k.shape[1], dim, window, scale)
        bounds = torch.tensor([0, *accumulate(segments)])
        out, log_sum = torch.empty_like(q), q.new_empty(tokens, heads)
        library = native_for(q, k, v)
        assert library is not None, "the part is found only where there is the library"
        ctx.longest = max(segments)
        work, size = workspace(library, ctx.longest, q)
        library.call("attention_forward", q, k, v, out, log_sum, bounds, *ctx.shape, work, size)
        ctx.save_for_backward(q, k, v, out, log_sum, bounds)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        q, k, v, out, log_sum, bounds = ctx.saved_tensors
        dout = gradients[0].contiguous()
        made = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
        library = native_for(q, k, v, dout)
        assert library is not None, "the part is found only where there is the library"
        work, size = workspace(library, ctx.longest, q)
        read = (q, k, v, out, log_sum, dout)
        library.call("attention_backward", *read, *made, bounds, *ctx.shape, work, size)
        return (*made, None, None, None)


def workspace(library: Any, longest: int, like: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Room for every thread to work in, and its size in floats."""
    size = library.ask("attention_workspace", longest, like.shape[-1])
    return like.new_empty(torch.get_num_threads() * size), size
