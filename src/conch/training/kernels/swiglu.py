"""SwiGLU (Shazeer 2020, arXiv:2002.05202) as one pass forward and one backward."""

from __future__ import annotations

from typing import Any

import torch

from conch.models.fused import swiglu
from conch.models.native import native_for


class SwiGlu(torch.autograd.Function):
    """`silu(gate) * up`, which keeps nothing but its two inputs."""

    @staticmethod
    def forward(ctx: Any, gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
        gate, up = gate.contiguous(), up.contiguous()
        ctx.save_for_backward(gate, up)
        return swiglu(gate, up)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        gate, up = ctx.saved_tensors
        dout = gradients[0].contiguous()
        library = native_for(gate, up, dout)
        if library is None:
            share = torch.sigmoid(gate)
            return dout * up * share * (1 + gate * (1 - share)), dout * gate * share
        dgate, dup, dim = torch.empty_like(gate), torch.empty_like(up), gate.shape[-1]
        library.call("swiglu_backward", dout, gate, up, dgate, dup, gate.numel() // dim, dim)
        return dgate, dup
