"""Linear layers whose weights stand in the order in which a CPU reads them, for answering only.

On fp32 and few rows, as in decoding, this is faster than what torch has, and a row's numbers don't
depend on the rows beside it. Computed by the C library (`models.native`); where that is missing, or
is not faster on this machine, layers stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import linear

from conch.models.native import library

BLOCK = 16
"""Outputs that stand together; `c/packed.c` knows it, too."""
LEAST = 64
"""Layers with fewer inputs (LoRA's second matrices) stay as they are."""
TRIED = (1, 8, 32)
"""Rows with which both ways are tried."""
ROUNDS = 5
CLOSE = 1e-4


class PackedLinear(nn.Linear):
    """What a linear layer becomes. `packed` is [out / BLOCK, in, BLOCK], fp32."""

    packed: torch.Tensor

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """[out, in], made anew each time: for those who look at it, such as peft."""
        return self.packed.transpose(1, 2).reshape(self.out_features, self.in_features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = product(x, self.packed)
        return y if self.bias is None else y.add_(self.bias)


def product(x: torch.Tensor, packed: torch.Tensor) -> torch.Tensor:
    """x [..., in] times a packed weight: [..., out], without gradients."""
    native = library()
    assert native is not None
    blocks, inputs, block = packed.shape
    x = x.contiguous()
    y = x.new_empty(*x.shape[:-1], blocks * block)
    native.call("packed_product", x, packed, y, x.numel() // inputs, inputs, blocks * block)
    return y


def packed_weight(weight: torch.Tensor) -> torch.Tensor:
    outputs, inputs = weight.shape
    return weight.detach().view(outputs // BLOCK, BLOCK, inputs).transpose(1, 2).contiguous()


def pack(model: nn.Module) -> int:
    """Pack the linear layers of a model that will only answer, where it pays. How many were packed."""
    layers: list[Any] = [module for module in model.modules() if _suits(module)]
    if not layers or not _pays(max((layer.weight for layer in layers), key=lambda weight: weight.shape[1])):
        return 0
    shared = _shared(model)
    made: dict[int, torch.Tensor] = {}  # layers may have one weight between them
    for layer in layers:
        if id(layer.weight) not in made:
            made[id(layer.weight)] = packed_weight(layer.weight)
        layer.packed = made[id(layer.weight)]
        if id(layer.weight) not in shared:  # that of an output layer is the embedding's as well
            layer.weight.data = layer.weight.new_empty(0)
        del layer._parameters["weight"]
        layer.__class__ = PackedLinear
    return len(layers)


def _suits(module: Any) -> bool:
    if type(module) is not nn.Linear:
        return False
    weight = module.weight
    plain = weight.dtype == torch.float32 and weight.device.type == "cpu"
    return plain and module.in_features >= LEAST and module.out_features % BLOCK == 0


def _shared(model: nn.Module) -> set[int]:
    """Ids of weights that something else than a linear layer holds, too."""
    holders = (module for module in model.modules() if type(module) is not nn.Linear)
    return {id(held) for module in holders for held in module.parameters(recurse=False)}


def _pays(weight: torch.Tensor) -> bool:
    """Whether the packed way is right and faster on this machine, tried on one layer's weight."""
    if library() is None:
        return False
    packed, ours, theirs = packed_weight(weight), 0.0, 0.0
    with torch.inference_mode():
        for rows in TRIED:
            x = torch.randn(rows, weight.shape[1])
            wanted = linear(x, weight)
            if not torch.allclose(product(x, packed), wanted, atol=CLOSE * float(wanted.abs().max())):
                return False
            ours += _seconds(lambda x=x: product(x, packed))  # type: ignore[misc]
            theirs += _seconds(lambda x=x: linear(x, weight))  # type: ignore[misc]
    return ours < theirs


def _seconds(compute: Callable[[], torch.Tensor]) -> float:
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        compute()
        found.append(time.perf_counter() - began)
    return min(found)
