"""LoRA (Hu et al. 2021, arXiv:2106.09685) on a frozen linear layer as one step of autograd.

peft's layer adds, scales and casts in steps of their own, each a pass over the whole output and a
tensor kept for backward. Here the low-rank products are added in place, and only the input and its
image under A are kept.
"""

from __future__ import annotations

from typing import Any

import torch

from conch.training.kernels.products import Product


class LoraLinear(torch.autograd.Function):
    """`x W^T + b + scaling (x A^T) B^T` for x [T, in], a product with W, b [out]; A [r, in], B [out, r]."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        product: Product,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        low = x @ a.T
        ctx.save_for_backward(x, low, a, b)
        ctx.product, ctx.scaling = product, scaling
        y = product.forward(x, (low, b.T * scaling))
        return y if bias is None else y.add_(bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, low, a, b = ctx.saved_tensors
        dy = gradients[0]
        dlow = dy @ b
        dlow *= ctx.scaling
        dx = ctx.product.backward(dy, (dlow, a)) if ctx.needs_input_grad[0] else None
        db = (low.T @ dy).mul_(ctx.scaling).T  # more than twice as fast as dy.T @ low
        return dx, None, None, dlow.T @ x, db, None


class FrozenLinear(torch.autograd.Function):
    """`x W^T + b` for x [T, in] and a product with W, of which nothing trains. It keeps nothing."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, product: Product, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.product = product
        y = product.forward(x)
        return y if bias is None else y.add_(bias)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        return ctx.product.backward(gradients[0]), None, None
