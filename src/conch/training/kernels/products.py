"""Products with weights that do not train, forward and back to the input.

What trains beside such a weight is a low-rank product on the same input (LoRA), which each adds in
the pass that it makes over its result anyway.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from conch.models.native import native_for

LOW_RANK = 32
"""Above this rank a matrix product of its own is faster than adding while the result is written."""

Low = tuple[torch.Tensor, torch.Tensor]
"""[T, r] and [r, n], whose product is to be added."""


class Product(Protocol):
    """`x W^T` for a W [out, in] that does not train."""

    def forward(self, x: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        """`x W^T` of x [T, in], and `low` added to it."""
        ...

    def backward(self, dy: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        """`dy W` of dy [T, out], and `low` added to it."""
        ...


@dataclass(frozen=True)
class Exact:
    """In the format of the input."""

    weight: torch.Tensor

    def forward(self, x: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        return _plus(x @ self.weight.T, low)

    def backward(self, dy: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        return _plus(dy @ self.weight, low)


@dataclass(frozen=True)
class Half:
    """In bf16, for fp32 on both sides: as exact as mixed precision, on processors that multiply bf16 fast."""

    weight: torch.Tensor
    """bf16 [out, in]"""

    def forward(self, x: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        return _plus((x.bfloat16() @ self.weight.T).float(), low)

    def backward(self, dy: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        return _plus((dy.bfloat16() @ self.weight).float(), low)


@dataclass(frozen=True)
class Spared:
    """Columns of the input that are not quantised: a few that are far larger than the rest, whose scale
    would leave the rest no bits (Dettmers et al. 2022, arXiv:2208.07339, section 3)."""

    columns: torch.Tensor
    """int64 [c]"""
    mask: torch.Tensor
    """fp32 [in]: 0 for these columns, 1 for all others."""
    weight: torch.Tensor
    """fp32 [c, out]: what they are multiplied with."""

    def low(self, x: torch.Tensor, low: Low | None) -> Low:
        """Their product, beside that which is to be added anyway."""
        own = x.index_select(1, self.columns)
        if low is None:
            return own, self.weight
        return torch.cat([own, low[0]], 1), torch.cat([self.weight, low[1]])


@dataclass(frozen=True)
class Int8:
    """In whole numbers: W held as int8 with a scale for each row, x quantised row by row as it comes.

    Rows of x, and of the gradient, have one scale each; products are summed in int32. The scales of W
    go into the gradient before it is quantised, so that backward sums whole numbers, too. After
    Dettmers et al. 2022, arXiv:2208.07339, section 2 (vector-wise quantisation).
    """

    weight: torch.Tensor
    """int8 [out, in]"""
    scale: torch.Tensor
    """fp32 [out]"""
    spared: Spared | None = None

    def forward(self, x: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        q, row = quantised_rows(x, None if self.spared is None else self.spared.mask)
        if self.spared is not None:
            low = self.spared.low(x, low)
        return dequantised(torch._int_mm(q, self.weight.T), row, self.scale, low)

    def backward(self, dy: torch.Tensor, low: Low | None = None) -> torch.Tensor:
        q, row = quantised_rows(dy, self.scale)
        return dequantised(torch._int_mm(q, self.weight), row, None, low)


PRODUCTS: dict[torch.dtype, type[Exact | Half]] = {
    torch.float32: Exact,
    torch.float64: Exact,
    torch.bfloat16: Half,
}
"""By the format that a weight is held in."""


def product_with(weight: torch.Tensor) -> Product | None:
    """The product with this weight; None where there is none."""
    kind = PRODUCTS.get(weight.dtype)
    return None if kind is None else kind(weight)


def _plus(y: torch.Tensor, low: Low | None) -> torch.Tensor:
    return y if low is None else y.addmm_(*low)


def sparing(product: Int8, columns: torch.Tensor) -> Int8:
    """The product with these columns [c] of the input left as they are."""
    mask = torch.ones(product.weight.shape[1])
    mask[columns] = 0
    weight = (product.weight[:, columns].float() * product.scale[:, None]).T.contiguous()
    return replace(product, spared=Spared(columns, mask, weight))


def quantised(weight: torch.Tensor) -> Int8:
    """A weight [out, in] of any floating format in int8, each row as exactly as it can be."""
    q, scale = quantised_rows(weight.float().contiguous(), None)
    return Int8(q, scale)


def quantised_rows(x: torch.Tensor, column: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of x [T, n], times `column` [n] where that is given, as int8, and the scale of each [T]."""
    x = x.contiguous()
    library = native_for(x)
    if library is not None:
        q, scale = torch.empty(x.shape, dtype=torch.int8), x.new_empty(len(x))
        library.call("quantise_rows", x, column, q, scale, *x.shape)
        return q, scale
    x = x if column is None else x * column
    scale = x.abs().amax(-1) / 127
    q = (x / scale.clamp_min(torch.finfo(x.dtype).tiny)[:, None]).round_().to(torch.int8)
    return q, scale


def dequantised(
    products: torch.Tensor, row: torch.Tensor, column: torch.Tensor | None, low: Low | None
) -> torch.Tensor:
    """int32 products [T, n] times the scales of rows and columns, and `low` added."""
    library = native_for(row)
    if library is None:
        y = products * row[:, None]
        return _plus(y if column is None else y.mul_(column), low)
    y = row.new_empty(products.shape)
    fused: tuple[Any, ...] = (None, None, 0)
    if low is not None and low[1].shape[0] <= LOW_RANK:
        fused = (low[0].contiguous(), low[1].contiguous(), low[1].shape[0])
        low = None
    library.call("dequantise", products, row, column, *fused, y, *products.shape)
    return _plus(y, low)
