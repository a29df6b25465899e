"""Element-wise steps of a transformer as one pass over memory each, for fp32 on a CPU.

Computed by the C library (`models.native`); tensors that it does not take are computed by torch. The
functions know no gradients: `training.kernels` adds them, and `fuse` puts the steps into a model that
only answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any

import torch
from torch import nn
from torch.nn.functional import silu

from conch.models.native import library, native_for
from conch.models.patch import Patch, applied

TOLERANCE = 1e-4
"""Relative to the largest logit: room for another order of summing, not for another computation."""
CANNOT_RUN = (TypeError, ValueError, RuntimeError, AttributeError, KeyError)
"""What models raise that do not know such a text."""


def rms_norm(x: torch.Tensor, weight: torch.Tensor, eps: float, offset: float) -> tuple[torch.Tensor, Any]:
    """`x / rms(x) * (weight + offset)` over the last dimension, and 1 / rms(x).

    Zhang and Sennrich 2019, arXiv:1910.07467.
    """
    native = native_for(x, weight)
    if native is None:
        rstd = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
        return x * rstd * (weight + offset), rstd
    dim = x.shape[-1]
    y, rstd = torch.empty_like(x), x.new_empty(x.numel() // dim)
    native.call("rms_norm_forward", x, weight, y, rstd, x.numel() // dim, dim, eps, offset)
    return y, rstd


def swiglu(gate: torch.Tensor, up: torch.Tensor) -> torch.Tensor:
    """`silu(gate) * up`. Shazeer 2020, arXiv:2002.05202."""
    native = native_for(gate, up)
    if native is None:
        return silu(gate) * up
    out, dim = torch.empty_like(gate), gate.shape[-1]
    native.call("swiglu_forward", gate, up, out, gate.numel() // dim, dim)
    return out


def turned(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor, sign: float = 1.0) -> torch.Tensor:
    """x [T, heads, dim] turned by cos and sin [T, dim], whose halves are alike; back where `sign` is -1.

    Rotary positions: Su et al. 2021, arXiv:2104.09864.
    """
    x = x.contiguous()
    native = native_for(x, cosine, sine)
    if native is None:
        half = torch.cat([-x[..., x.shape[-1] // 2 :], x[..., : x.shape[-1] // 2]], -1)
        return x * cosine[:, None] + half * sine[:, None] * sign
    y = torch.empty_like(x)
    native.call("rotary", x, cosine, sine, y, *x.shape, sign)
    return y


@dataclass(frozen=True)
class Norm:
    """An RMSNorm layer, and how it computes: `offset` is 1 where it multiplies by `1 + weight`."""

    module: Any
    eps: float
    offset: float


def norms(model: nn.Module) -> Iterator[Norm]:
    """RMSNorm layers, by what they hold and not by the name of a model."""
    for module in model.modules():
        weight = getattr(module, "weight", None)
        eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
        if type(module).__name__.endswith("RMSNorm") and weight is not None and isinstance(eps, float):
            yield Norm(module, eps, _offset(module, weight))


def _offset(module: nn.Module, weight: torch.Tensor) -> float:
    """As Gemma's layers have it; found by asking one."""
    x = torch.ones(1, weight.shape[0], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        return float((module(x) - weight).mean().round())


def gated(model: nn.Module) -> Iterator[Any]:
    """Feed-forward layers of the shape `down(silu(gate(x)) * up(x))`."""
    for module in model.modules():
        if all(hasattr(module, name) for name in ("gate_proj", "up_proj", "down_proj", "act_fn")) and (
            isinstance(module.act_fn, nn.SiLU) or type(module.act_fn).__name__ == "SiLUActivation"
        ):
            yield module


def rotary_files(model: nn.Module) -> Iterator[Any]:
    """The Python modules of a model's classes that have a function which turns queries and keys."""
    for name in sorted({type(module).__module__ for module in model.modules()}):
        if hasattr(sys.modules[name], "apply_rotary_pos_emb"):
            yield sys.modules[name]


def fuse(model: Any) -> bool:
    """Put the fused steps into a model that will only answer, if it says the same with them as before.

    All of them or none. Rotary positions are a function of the file that the model's classes are in: where
    they do not suit this model, they are plain again for those before it, too.
    Where gradients are asked for, or another number format, its layers go on computing as they did.
    """
    if library() is None or any(held.device.type != "cpu" for held in model.parameters()):
        return False
    plain = list(_plain_rotary(model))
    with applied(plain):  # an earlier model of the same file may have fused it
        wanted = _logits(model)
    if wanted is None:
        return False
    with suppress(*CANNOT_RUN), ExitStack() as undoing:
        for patch in list(_patches(model)):
            undoing.callback(patch.put())
        if _says(model, wanted):
            undoing.pop_all()
            return True
    if not _says(model, wanted):
        for patch in plain:
            patch.put()
    return False


def _logits(model: Any) -> torch.Tensor | None:
    """What a model says to a short text in two rows; None where it can't be asked so."""
    try:
        with torch.inference_mode():
            ids = torch.arange(16).view(2, 8) * 7 % len(model.get_input_embeddings().weight)
            logits: torch.Tensor = model(ids, use_cache=False).logits.float()
    except CANNOT_RUN:
        return None
    return logits


def _says(model: Any, wanted: torch.Tensor) -> bool:
    found = _logits(model)
    return found is not None and bool((found - wanted).abs().max() <= TOLERANCE * wanted.abs().max())


def _patches(model: nn.Module) -> Iterator[Patch]:
    for norm in norms(model):
        if norm.module.weight.dtype == torch.float32:
            yield Patch(norm.module, "forward", _without_gradients(_norm(norm), norm.module.forward))
    for module in gated(model):
        yield Patch(module, "forward", _without_gradients(_gated(module), module.forward))
    for file in rotary_files(model):
        if not hasattr(file.apply_rotary_pos_emb, "conch_plain"):
            yield Patch(file, "apply_rotary_pos_emb", _rotary_instead_of(file.apply_rotary_pos_emb))


def _plain_rotary(model: nn.Module) -> Iterator[Patch]:
    """What brings back the functions that were fused."""
    for file in rotary_files(model):
        if hasattr(file.apply_rotary_pos_emb, "conch_plain"):
            yield Patch(file, "apply_rotary_pos_emb", file.apply_rotary_pos_emb.conch_plain)


def _without_gradients(fused: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)
    def forward(x: torch.Tensor) -> Any:
        return plain(x) if torch.is_grad_enabled() or native_for(x[:0]) is None else fused(x)

    return forward


def _norm(norm: Norm) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: rms_norm(x.contiguous(), norm.module.weight, norm.eps, norm.offset)[0]


def _gated(module: Any) -> Callable[[torch.Tensor], Any]:
    return lambda x: module.down_proj(swiglu(module.gate_proj(x), module.up_proj(x)))


def _rotary_instead_of(plain: Callable[..., Any]) -> Callable[..., Any]:
    """Takes q, k [rows, heads, T, dim] and cos, sin [rows or 1, T, dim], and leaves others to `plain`."""

    @wraps(plain)
    def apply(
        q: torch.Tensor, k: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, *rest: Any, **options: Any
    ) -> Any:
        known = not (rest or options or torch.is_grad_enabled()) and cos.shape[-1] == q.shape[-1]
        if not known or any(native_for(tensor[:0]) is None for tensor in (q, k, cos, sin)):
            return plain(q, k, cos, sin, *rest, **options)
        cosine, sine = (tensor.expand(len(q), -1, -1).reshape(-1, tensor.shape[-1]) for tensor in (cos, sin))
        return _turned_rows(q, cosine, sine), _turned_rows(k, cosine, sine)

    apply.conch_plain = plain  # type: ignore[attr-defined]  # to know it again
    return apply


def _turned_rows(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """[rows, heads, T, dim] turned; in memory it stays [rows, T, heads, dim], as projections write it."""
    rows, heads, count, dim = x.shape
    flat = x.transpose(1, 2).reshape(rows * count, heads, dim)
    return turned(flat, cosine, sine).view(rows, count, heads, dim).transpose(1, 2)
