"""RMSNorm (Zhang and Sennrich 2019, arXiv:1910.07467) as one pass forward and one backward."""

from __future__ import annotations

from typing import Any

import torch

from conch.models.fused import rms_norm
from conch.models.native import native_for


class RmsNorm(torch.autograd.Function):
    """`x / rms(x) * (weight + offset)` over the last dimension, for a weight that does not train."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float, offset: float) -> torch.Tensor:
        x = x.contiguous()
        ctx.offset = offset
        y, rstd = rms_norm(x, weight, eps, offset)
        ctx.save_for_backward(x, weight, rstd)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        x, weight, rstd = ctx.saved_tensors
        dy, dim = gradients[0].contiguous(), x.shape[-1]
        library = native_for(x, weight, dy)
        if library is None:
            rstd = rstd.view(*x.shape[:-1], 1)
            scaled = dy * (weight + ctx.offset)
            pull = (scaled * x).sum(-1, keepdim=True) * rstd.pow(3) / dim
            return scaled * rstd - x * pull, None, None, None
        dx = torch.empty_like(x)
        library.call("rms_norm_backward", dy, x, weight, rstd, dx, x.numel() // dim, dim, ctx.offset)
        return dx, None, None, None
