"""Where in a model the fused steps fit.

Each part looks for the modules that it knows by what they hold, not by the name of a model. Whether
it computes the same is not judged here: choice.py tries it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from peft.tuners.lora.layer import Linear as PeftLinear
from torch import nn
from transformers import PreTrainedModel

from conch.models import fused
from conch.models.native import library, native_for
from conch.models.patch import Patch
from conch.training.kernels import segments
from conch.training.kernels.attention import SegmentAttention
from conch.training.kernels.int8 import Int8Linear
from conch.training.kernels.lora import FrozenLinear, LoraLinear
from conch.training.kernels.norm import RmsNorm
from conch.training.kernels.products import Half, Product, product_with
from conch.training.kernels.rotary import rotary_instead_of
from conch.training.kernels.step import step
from conch.training.kernels.swiglu import SwiGlu


def norms(model: nn.Module) -> Iterator[Patch]:
    """RMSNorm layers whose weight does not train."""
    for norm in fused.norms(model):
        weight = norm.module.weight
        if not weight.requires_grad:
            yield Patch(norm.module, "forward", _norm(_held(weight), norm.eps, norm.offset))


def _held(weight: torch.Tensor) -> torch.Tensor:
    """As it is computed with: in fp32 where it is held in less."""
    return weight.float() if weight.dtype == torch.bfloat16 else weight


def _norm(weight: torch.Tensor, eps: float, offset: float) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = step(RmsNorm, x, weight, eps, offset)
        return y

    return forward


def gated(model: nn.Module) -> Iterator[Patch]:
    """Feed-forward layers of the shape `down(silu(gate(x)) * up(x))`."""
    for module in fused.gated(model):
        yield Patch(module, "forward", _gated(module))


def _gated(module: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = module.down_proj(step(SwiGlu, module.gate_proj(x), module.up_proj(x)))
        return y

    return forward


def rotaries(model: PreTrainedModel) -> Iterator[Patch]:
    """The function by which the model's file turns queries and keys."""
    for file in fused.rotary_files(model):
        plain = file.apply_rotary_pos_emb
        yield Patch(file, "apply_rotary_pos_emb", rotary_instead_of(plain))


def adapters(model: nn.Module) -> Iterator[Patch]:
    """peft's LoRA on linear layers that are frozen: one adapter, no dropout, no variant such as DoRA."""
    for module in model.modules():
        if isinstance(module, PeftLinear) and _is_plain(module):
            yield Patch(module, "forward", _adapted(module, module.active_adapters[0]))


def _is_plain(module: PeftLinear) -> bool:
    active = module.active_adapters
    if len(active) != 1 or _product_of(module.base_layer) is None:
        return False
    name = active[0]
    return (
        name in module.lora_A
        and name not in module.lora_variant
        and isinstance(module.lora_dropout[name], nn.Identity)
        and module.lora_B[name].bias is None
        and not module.fan_in_fan_out
        and module.lora_A[name].weight.dtype in {torch.float32, module.base_layer.weight.dtype}
    )


def _product_of(base: nn.Module) -> Product | None:
    """The product that a linear layer computes, where that does not train."""
    if isinstance(base, Int8Linear):
        return base.product()
    if type(base) is not nn.Linear or base.weight.requires_grad:
        return None
    return product_with(base.weight)


def _adapted(module: Any, name: str) -> Callable[..., torch.Tensor]:
    plain = type(module).forward
    bias = _bias_of(module.base_layer)

    def forward(x: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        if module.merged or module.disable_adapters or rest or options:
            y: torch.Tensor = plain(module, x, *rest, **options)
            return y
        a, b = module.lora_A[name].weight, module.lora_B[name].weight
        rows, product = x.reshape(-1, x.shape[-1]), _product_of(module.base_layer)
        y = step(LoraLinear, rows, product, bias, a, b, module.scaling[name])
        return y.view(*x.shape[:-1], y.shape[-1])

    return forward


def _bias_of(base: Any) -> torch.Tensor | None:
    return None if base.bias is None else _held(base.bias)


def embeddings(model: PreTrainedModel) -> Iterator[Patch]:
    """Embeddings held in bf16: fp32 from there on."""
    module = model.get_input_embeddings()
    if module.weight.dtype == torch.bfloat16:
        plain = module.forward
        yield Patch(module, "forward", lambda ids: plain(ids).float())


def frozen(model: nn.Module) -> Iterator[Patch]:
    """Linear layers in bf16 without an adapter."""
    adapted = {id(module.base_layer) for module in model.modules() if isinstance(module, PeftLinear)}
    for module in model.modules():
        product = _product_of(module)
        if isinstance(product, Half) and id(module) not in adapted:
            yield Patch(module, "forward", _unadapted(product, _bias_of(module)))


def _unadapted(product: Product, bias: torch.Tensor | None) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = step(FrozenLinear, x.reshape(-1, x.shape[-1]), product, bias)
        return y.view(*x.shape[:-1], -1)

    return forward


def attentions(model: nn.Module) -> Iterator[Patch]:
    """The attention over packed rows, where there is the C library."""
    if library() is not None:
        yield Patch(segments, "attend", _attend_instead_of(segments.attend))


def _attend_instead_of(plain: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def attend(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        lengths: Sequence[int],
        window: int | None,
        dropout: float,
        scaling: float | None,
    ) -> torch.Tensor:
        if dropout or native_for(query[:0]) is None or value.shape[-1] != query.shape[-1]:
            return plain(query, key, value, lengths, window, dropout, scaling)
        q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        y: torch.Tensor = step(SegmentAttention, q, k, v, lengths, window or 0, scale)
        return y[None]

    return attend


PARTS: dict[str, Callable[[Any], Iterator[Patch]]] = {
    "norm": norms,
    "swiglu": gated,
    "rotary": rotaries,
    "lora": adapters,
    "attention": attentions,
    "embeddings": embeddings,
    "frozen": frozen,
}
