"""Each fused step equals the plain computation, in value and gradient, with and without the C library."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, linear, silu

from conch.models import native
from conch.training.kernels import cross_entropy as chunked
from conch.training.kernels.attention import SegmentAttention
from conch.training.kernels.cross_entropy import HeadLoss
from conch.training.kernels.lora import LoraLinear
from conch.training.kernels.norm import RmsNorm
from conch.training.kernels.products import Exact
from conch.training.kernels.rotary import Rotary
from conch.training.kernels.segments import attend
from conch.training.kernels.swiglu import SwiGlu

Tensors = Sequence[torch.Tensor]
sizes = st.integers(1, 70)
seeds = st.integers(0, 2**31)


@pytest.fixture(params=["float64", "float32", "float32 in C"])
def dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    if request.param == "float32 in C":
        assert native.library() is not None, "needs a C compiler: apt-get install gcc"
    else:
        monkeypatch.setattr(native, "library", lambda: None)
    return torch.float64 if request.param == "float64" else torch.float32


def compare(
    fused: Callable[..., torch.Tensor],
    plain: Callable[..., torch.Tensor],
    inputs: Tensors,
    least: float = 0.1,
) -> None:
    """Values and gradients of two functions of `inputs`, weighted by a random direction.

    They may be off by a share of the largest, or of `least` where that is more: a small difference of
    large values is no more exact than those.
    """
    results = []
    for function in (fused, plain):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
        value = function(*leaves)
        direction = torch.randn(value.shape, generator=torch.Generator().manual_seed(1)).to(value.dtype)
        results.append((value.detach(), *torch.autograd.grad((value * direction).sum(), leaves)))
    precise = inputs[0].dtype == torch.float64
    for one, other in zip(*results, strict=True):
        scale = max(float(other.abs().max()), least)
        torch.testing.assert_close(
            one / scale, other / scale, rtol=0, atol=1e-10 if precise else 1e-5, check_dtype=True
        )


def random(seed: int, dtype: torch.dtype, *shapes: tuple[int, ...], scale: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [(torch.randn(shape, generator=generator) * scale).to(dtype) for shape in shapes]


@settings(max_examples=20, deadline=None)
@given(rows=sizes, dim=st.integers(8, 70), seed=seeds, offset=st.sampled_from([0.0, 1.0]))
def check_norm(dtype: torch.dtype, rows: int, dim: int, seed: int, offset: float) -> None:
    x, weight = random(seed, dtype, (rows, dim), (dim,))

    def plain(x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * (weight + offset)

    compare(lambda x: RmsNorm.apply(x, weight, 1e-5, offset), plain, [x])


def test_norm(dtype: torch.dtype) -> None:
    check_norm(dtype)


@settings(max_examples=20, deadline=None)
@given(rows=sizes, dim=sizes, seed=seeds, scale=st.sampled_from([0.1, 1.0, 30.0]))
def check_swiglu(dtype: torch.dtype, rows: int, dim: int, seed: int, scale: float) -> None:
    inputs = random(seed, dtype, (rows, dim), (rows, dim), scale=scale)
    compare(SwiGlu.apply, lambda gate, up: silu(gate) * up, inputs)


def test_swiglu(dtype: torch.dtype) -> None:
    check_swiglu(dtype)


@settings(max_examples=20, deadline=None)
@given(rows=sizes, heads=st.integers(1, 5), half=st.integers(1, 33), seed=seeds)
def check_rotary(dtype: torch.dtype, rows: int, heads: int, half: int, seed: int) -> None:
    (x, angles) = random(seed, dtype, (rows, heads, 2 * half), (rows, half))
    cosine, sine = (torch.cat([part, part], -1) for part in (angles.cos(), angles.sin()))

    def plain(x: torch.Tensor) -> torch.Tensor:
        turned = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * cosine[:, None] + turned * sine[:, None]

    compare(lambda x: Rotary.apply(x, cosine, sine), plain, [x])


def test_rotary(dtype: torch.dtype) -> None:
    check_rotary(dtype)


@settings(max_examples=20, deadline=None)
@given(rows=sizes, width=sizes, out=sizes, rank=st.integers(1, 9), seed=seeds, biased=st.booleans())
def check_lora(
    dtype: torch.dtype, rows: int, width: int, out: int, rank: int, seed: int, biased: bool
) -> None:
    x, weight, bias, a, b = random(
        seed, dtype, (rows, width), (out, width), (out,), (rank, width), (out, rank)
    )
    given_bias = bias if biased else None

    def plain(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return linear(x, weight, given_bias) + 2.0 * linear(linear(x, a), b)

    compare(lambda x, a, b: LoraLinear.apply(x, Exact(weight), given_bias, a, b, 2.0), plain, [x, a, b])


def test_lora(dtype: torch.dtype) -> None:
    check_lora(dtype)


@settings(max_examples=20, deadline=None)
@given(
    rows=sizes,
    dim=st.integers(8, 70),
    words=st.integers(8, 200),
    seed=seeds,
    scale=st.sampled_from([0.1, 1.0, 5.0]),
)
def check_head(dtype: torch.dtype, rows: int, dim: int, words: int, seed: int, scale: float) -> None:
    hidden, weight = random(seed, dtype, (rows, dim), (words, dim))
    hidden = hidden * scale / dim**0.5  # logits of this size: rounding of fp32 grows with them
    targets = torch.randint(0, words, (rows,), generator=torch.Generator().manual_seed(seed))
    compare(
        lambda hidden, weight: HeadLoss.apply(hidden, weight, targets)[0],
        lambda hidden, weight: cross_entropy(linear(hidden, weight), targets, reduction="sum"),
        [hidden, weight],
    )
    hits = HeadLoss.apply(hidden, weight, targets)[1]
    assert int(hits) == int((linear(hidden, weight).argmax(-1) == targets).sum())


@pytest.mark.parametrize("chunk_bytes", [1, 4000, 96 << 20])
def test_head(dtype: torch.dtype, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "LOGIT_CHUNK", chunk_bytes)
    check_head(dtype)


@settings(max_examples=30, deadline=None)
@given(
    segments=st.lists(st.integers(1, 70), min_size=1, max_size=4),
    key_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    dim=st.sampled_from([4, 16, 20, 32, 64, 80]),
    window=st.sampled_from([0, 2, 17, 40]),
    seed=seeds,
)
def check_attention(
    segments: list[int], key_heads: int, group: int, dim: int, window: int, seed: int
) -> None:
    tokens = sum(segments)
    shapes = [(tokens, heads, dim) for heads in (key_heads * group, key_heads, key_heads)]
    inputs = [tensor.float() for tensor in random(seed, torch.float32, *shapes)]

    def plain(*inputs: torch.Tensor) -> torch.Tensor:
        batched = (tensor.double().transpose(0, 1)[None] for tensor in inputs)
        return attend(*batched, segments, window or None, 0.0, None)[0].float()

    compare(lambda *inputs: SegmentAttention.apply(*inputs, segments, window, dim**-0.5), plain, inputs, 1.0)


@pytest.mark.parametrize("threads", [1, 2])
def test_attention(threads: int) -> None:
    assert native.library() is not None, "needs a C compiler: apt-get install gcc"
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check_attention()
    finally:
        torch.set_num_threads(before)


def test_what_is_no_number_stays_none(dtype: torch.dtype) -> None:
    hidden, weight = random(0, dtype, (3, 8), (5, 8))
    hidden[1, 2] = float("nan")
    nll, _ = HeadLoss.apply(hidden, weight, torch.tensor([0, 1, 2]))
    assert nll.isnan()


def test_a_library_that_cannot_be_built_is_none(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "native.c"
    broken.write_text("this is not C")
    monkeypatch.setattr(native, "SOURCES", tmp_path)
    native.library.cache_clear()
    try:
        assert native.library() is None
    finally:
        native.library.cache_clear()


def test_the_library_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native.library() is not None
    native.library.cache_clear()
    monkeypatch.setattr(native.subprocess, "run", lambda *_, **__: pytest.fail("built again"))
    try:
        assert native.library() is not None
    finally:
        native.library.cache_clear()
