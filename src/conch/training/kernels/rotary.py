"""Rotary positions (Su et al. 2021, arXiv:2104.09864) as one pass, turned back for the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from conch.models.fused import turned
from conch.training.kernels.step import step


class Rotary(torch.autograd.Function):
    """Turns x [T, heads, dim] by cos and sin [T, dim], whose halves are alike."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cosine, sine)
        return turned(x, cosine, sine)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        cosine, sine = ctx.saved_tensors
        return turned(gradients[0], cosine, sine, -1.0), None, None


Apply = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def rotary_instead_of(plain: Apply) -> Apply:
    """A stand-in for a model's `apply_rotary_pos_emb` that takes packed rows and leaves the rest to it."""

    def apply(
        q: torch.Tensor,
        k: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        *rest: Any,
        **options: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if rest or options or q.shape[0] != 1 or cos.shape[0] != 1 or cos.shape[-1] != q.shape[-1]:
            return plain(q, k, cos, sin, *rest, **options)
        cosine, sine = cos[0].contiguous(), sin[0].contiguous()
        return _row(q, cosine, sine), _row(k, cosine, sine)

    return apply


def _row(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """[1, heads, T, dim] turned; in memory it stays [T, heads, dim], as projections write it."""
    turned_row: torch.Tensor = step(Rotary, x[0].transpose(0, 1), cosine, sine)
    return turned_row.transpose(0, 1)[None]
