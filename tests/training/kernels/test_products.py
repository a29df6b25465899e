"""Products with frozen weights in fewer bits: near the exact one, forward and back, with and without C."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.models import native
from conch.training.kernels.products import Exact, Half, Int8, Product, quantised, quantised_rows, sparing

sizes = st.integers(2, 70)
"""torch._int_mm is wrong for one column; no layer is that narrow."""


@pytest.fixture(params=["torch", "C"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "C":
        assert native.library() is not None, "needs a C compiler: apt-get install gcc"
    else:
        monkeypatch.setattr(native, "library", lambda: None)


def off(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm().clamp_min(1e-3))


@settings(max_examples=20, deadline=None)
@given(rows=sizes, width=sizes, out=sizes, rank=st.sampled_from([None, 1, 8, 33]), seed=st.integers(0, 2**31))
def check(kind: type[Half] | None, rows: int, width: int, out: int, rank: int | None, seed: int) -> None:
    torch.manual_seed(seed)
    x, weight, dy = torch.randn(rows, width), torch.randn(out, width), torch.randn(rows, out)
    product: Product = quantised(weight) if kind is None else kind(weight.bfloat16())
    exact = Exact(weight)
    forward = None if rank is None else (torch.randn(rows, rank), torch.randn(rank, out))
    backward = None if rank is None else (torch.randn(rows, rank), torch.randn(rank, width))
    assert off(product.forward(x, forward), exact.forward(x, forward)) < 0.03
    assert off(product.backward(dy, backward), exact.backward(dy, backward)) < 0.03


def test_int8_is_near() -> None:
    check(None)


def test_bf16_is_near() -> None:
    check(Half)


@settings(max_examples=20, deadline=None)
@given(
    rows=sizes,
    width=st.integers(16, 70),
    out=sizes,
    rank=st.sampled_from([None, 8]),
    seed=st.integers(0, 2**31),
)
def check_outliers(rows: int, width: int, out: int, rank: int | None, seed: int) -> None:
    torch.manual_seed(seed)
    x, weight = torch.randn(rows, width), torch.randn(out, width)
    columns = torch.tensor([3, 11])
    x[:, columns] *= 100
    low = None if rank is None else (torch.randn(rows, rank), torch.randn(rank, out))
    plain = quantised(weight)
    exact = Int8(plain.weight, plain.scale).weight.float() * plain.scale[:, None]
    small = x.clone()
    small[:, columns] = 0
    rest = small @ exact.T
    spared = sparing(plain, columns).forward(x, low) - (x - small) @ exact.T
    if low is not None:
        spared = spared - low[0] @ low[1]
    assert off(spared, rest) < 0.03, "what is not spared has all bits to itself"


def test_outliers_are_spared() -> None:
    check_outliers()


@settings(max_examples=20, deadline=None)
@given(rows=sizes, width=sizes, seed=st.integers(0, 2**31))
def check_rows(rows: int, width: int, seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(rows, width)
    x[0] = 0
    q, scale = quantised_rows(x, None)
    assert q.dtype == torch.int8
    assert bool(((q * scale[:, None] - x).abs() <= scale[:, None] * 0.5001).all()), (
        "off by half a step at most"
    )
    assert not q[0].any()


def test_rows_are_as_exact_as_eight_bits_are() -> None:
    check_rows()
