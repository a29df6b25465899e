"""Where in a model the fused steps fit.

Each part looks for the modules that it knows by what they hold, not by the name of a model. Whether
it computes the same is not judged here: choice.py tries it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from peft.tuners.lora.layer import Linear as PeftLinear
from torch import nn
from transformers import PreTrainedModel

from conch.training.kernels.lora import LoraLinear
from conch.training.kernels.norm import RmsNorm
from conch.training.kernels.patch import Patch
from conch.training.kernels.rotary import rotary_instead_of
from conch.training.kernels.step import step
from conch.training.kernels.swiglu import SwiGlu


def norms(model: nn.Module) -> Iterator[Patch]:
    """RMSNorm layers whose weight does not train."""
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if not type(module).__name__.endswith("RMSNorm") or weight is None or weight.requires_grad:
            continue
        eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
        if isinstance(eps, float):
            yield Patch(module, "forward", _norm(module, eps, _offset(module, weight)))


def _offset(module: nn.Module, weight: torch.Tensor) -> float:
    """1 where the layer multiplies by `1 + weight`, as Gemma's do; found by asking it."""
    x = torch.ones(1, weight.shape[0], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        return float((module(x) - weight).mean().round())


def _norm(module: Any, eps: float, offset: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = step(RmsNorm, x, module.weight, eps, offset)
        return y

    return forward


def gated(model: nn.Module) -> Iterator[Patch]:
    """Feed-forward layers of the shape `down(silu(gate(x)) * up(x))`."""
    for module in model.modules():
        if all(hasattr(module, name) for name in ("gate_proj", "up_proj", "down_proj", "act_fn")) and (
            isinstance(module.act_fn, nn.SiLU) or type(module.act_fn).__name__ == "SiLUActivation"
        ):
            yield Patch(module, "forward", _gated(module))


def _gated(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = module.down_proj(step(SwiGlu, module.gate_proj(x), module.up_proj(x)))
        return y

    return forward


def rotaries(model: PreTrainedModel) -> Iterator[Patch]:
    """The function by which the model's file turns queries and keys."""
    files = {type(module).__module__ for module in model.modules()}
    for name in sorted(files):
        file = sys.modules[name]
        plain = getattr(file, "apply_rotary_pos_emb", None)
        if plain is not None:
            yield Patch(file, "apply_rotary_pos_emb", rotary_instead_of(plain))


def adapters(model: nn.Module) -> Iterator[Patch]:
    """peft's LoRA on linear layers that are frozen: one adapter, no dropout, no variant such as DoRA."""
    for module in model.modules():
        if isinstance(module, PeftLinear) and _is_plain(module):
            yield Patch(module, "forward", _adapted(module, module.active_adapters[0]))


def _is_plain(module: PeftLinear) -> bool:
    base, active = module.base_layer, module.active_adapters
    if len(active) != 1 or type(base) is not nn.Linear or base.weight.requires_grad:
        return False
    name = active[0]
    return (
        name in module.lora_A
        and name not in module.lora_variant
        and isinstance(module.lora_dropout[name], nn.Identity)
        and module.lora_B[name].bias is None
        and not module.fan_in_fan_out
        and base.weight.dtype == module.lora_A[name].weight.dtype
    )


def _adapted(module: Any, name: str) -> Callable[..., torch.Tensor]:
    plain = type(module).forward

    def forward(x: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        if module.merged or module.disable_adapters or rest or options:
            y: torch.Tensor = plain(module, x, *rest, **options)
            return y
        base = module.base_layer
        a, b = module.lora_A[name].weight, module.lora_B[name].weight
        rows = x.reshape(-1, x.shape[-1])
        y = step(LoraLinear, rows, base.weight, base.bias, a, b, module.scaling[name])
        return y.view(*x.shape[:-1], y.shape[-1])

    return forward


PARTS: dict[str, Callable[[Any], Iterator[Patch]]] = {
    "norm": norms,
    "swiglu": gated,
    "rotary": rotaries,
    "lora": adapters,
}
