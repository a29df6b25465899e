"""Frozen linear layers held in int8, a quarter of their size in fp32."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from conch.core.errors import TrainingError
from conch.training.kernels.lora import FrozenLinear
from conch.training.kernels.products import Int8, Spared, quantised, sparing
from conch.training.kernels.step import step

OUTLIERS = 8
"""Columns of each layer's input that are not quantised, an eighth of them at most. More gain little."""


class Int8Linear(nn.Linear):
    """A linear layer that does not train: its weight is int8 [out, in] with a scale [out] for each row."""

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)  # the weight of nn.Linear would be made only to be thrown away
        self.in_features, self.out_features = linear.in_features, linear.out_features
        product = quantised(linear.weight.detach())
        self.weight = nn.Parameter(product.weight, requires_grad=False)
        self.register_buffer("scale", product.scale, persistent=False)
        self.spared: Spared | None = None
        bias = linear.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach().float(), requires_grad=False)

    def product(self) -> Int8:
        assert isinstance(self.scale, torch.Tensor)
        return Int8(self.weight, self.scale, self.spared)

    def spare(self, columns: torch.Tensor) -> None:
        """Leave these columns [c] of the input as they are from now on."""
        self.spared = sparing(self.product(), columns).spared

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = step(FrozenLinear, x.reshape(-1, x.shape[-1]), self.product(), self.bias)
        return rows.view(*x.shape[:-1], -1)


def is_exact() -> bool:
    """Whether this processor sums products of int8 as they are.

    Processors without such an instruction sum pairs in 16 bits first, which large values overflow.
    """
    a, b = (torch.full(shape, 127, dtype=torch.int8) for shape in ((16, 64), (64, 16)))
    return bool((torch._int_mm(a, b) == 64 * 127 * 127).all())


def hold_in_int8(model: PreTrainedModel, spared: Sequence[str] = ()) -> None:
    """Replace every linear layer but the output head, and those named in `spared`; the rest becomes fp32.

    One layer after the other, so that both forms exist of one layer only. Raises TrainingError where
    this processor can't multiply int8, or the model has no such layer.
    """
    if not is_exact():
        raise TrainingError("training.int8_inexact")
    head = model.get_output_embeddings()
    names = [
        name
        for name, module in model.named_modules()
        if type(module) is nn.Linear and module is not head and not name.endswith(tuple(spared))
    ]
    if not names:
        raise TrainingError("training.int8_nothing", architecture=type(model).__name__)
    for name in names:
        parent, _, own = name.rpartition(".")
        module = model.get_submodule(name)
        assert isinstance(module, nn.Linear)
        setattr(model.get_submodule(parent), own, Int8Linear(module))
    for parameter in model.parameters():
        if parameter.dtype.is_floating_point:
            # a copy in any case: nothing is left then that lies in the file, whose pages count as ours
            parameter.data = parameter.data.to(torch.float32, copy=True)


def spare_outliers(model: nn.Module, ids: torch.Tensor) -> None:
    """Find the largest columns of each layer's input on a text of tokens [T], and spare them.

    They are much the same for every text: residual streams have a few that are tens of times larger
    than the others.
    """
    layers = [module for module in model.modules() if isinstance(module, Int8Linear)]
    largest = largest_inputs(model, layers, ids)
    for layer in layers:
        if layer in largest:
            layer.spare(largest[layer].topk(min(OUTLIERS, layer.in_features // 8)).indices)


@torch.no_grad()
def largest_inputs(
    model: nn.Module, layers: Sequence[nn.Module], ids: torch.Tensor
) -> dict[nn.Module, torch.Tensor]:
    """The largest value of each column [in] of what each layer reads, over a text of tokens [T]."""
    largest: dict[nn.Module, torch.Tensor] = {}

    def note(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        largest[module] = inputs[0].reshape(-1, inputs[0].shape[-1]).abs().amax(0)

    was_training = model.training
    model.eval()
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        model(input_ids=ids[None], use_cache=False)
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return largest
