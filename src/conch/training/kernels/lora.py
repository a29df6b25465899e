"""LoRA (Hu et al. 2021, arXiv:2106.09685) on a frozen linear layer as one step of autograd.

peft's layer adds, scales and casts in steps of their own, each a pass over the whole output and a
tensor kept for backward. Here the low-rank products are added in place, and only the input and its
image under A are kept.
"""

from __future__ import annotations

from typing import Any

import torch


class LoraLinear(torch.autograd.Function):
    """`x W^T + b + scaling (x A^T) B^T` for x [T, in], frozen W [out, in] and b; A [r, in], B [out, r]."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        low = x @ a.T
        y = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
        ctx.save_for_backward(x, low, weight, a, b)
        ctx.scaling = scaling
        return y.addmm_(low, b.T, alpha=scaling)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, low, weight, a, b = ctx.saved_tensors
        dy = gradients[0]
        dlow = dy @ b
        dlow *= ctx.scaling
        dx = None
        if ctx.needs_input_grad[0]:
            dx = (dy @ weight).addmm_(dlow, a)
        db = (low.T @ dy).mul_(ctx.scaling).T  # more than twice as fast as dy.T @ low
        return dx, None, None, dlow.T @ x, db, None
