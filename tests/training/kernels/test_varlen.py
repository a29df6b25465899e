"""Which heads FlashAttention takes, and, on a GPU, that it computes what PyTorch's attention computes."""

from __future__ import annotations

import pytest
import torch

from conch.training.kernels import segments, varlen

AMPERE, TURING = (8, 0), (7, 5)


@pytest.mark.parametrize(
    ("dtype", "dim", "dropout", "capability", "built", "fits"),
    [
        (torch.bfloat16, 64, 0.0, AMPERE, True, True),
        (torch.float16, 256, 0.0, (9, 0), True, True),
        (torch.float32, 64, 0.0, AMPERE, True, False),
        (torch.bfloat16, 60, 0.0, AMPERE, True, False),
        (torch.bfloat16, 512, 0.0, AMPERE, True, False),
        (torch.bfloat16, 64, 0.1, AMPERE, True, False),
        (torch.bfloat16, 64, 0.0, TURING, True, False),
        (torch.bfloat16, 64, 0.0, None, True, False),
        (torch.bfloat16, 64, 0.0, AMPERE, False, False),
    ],
)
def test_what_fits(
    dtype: torch.dtype, dim: int, dropout: float, capability: tuple[int, int] | None, built: bool, fits: bool
) -> None:
    assert varlen.fits(dtype, dim, dropout, capability, built) is fits


def test_a_cpu_has_none() -> None:
    assert not varlen.fits_here(torch.empty(1, 2, 3, 64, dtype=torch.bfloat16), 0.0)


@pytest.mark.gpu
@pytest.mark.parametrize("window", [None, 5])
def test_it_computes_the_same(window: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    lengths = [7, 30, 1]
    q, k, v = (torch.randn(1, heads, sum(lengths), 64, device="cuda").bfloat16() for heads in (4, 2, 2))
    assert varlen.fits_here(q, 0.0)
    got = varlen.attend(q, k, v, lengths, window, None)
    monkeypatch.setattr(varlen, "fits_here", lambda *_: False)
    torch.testing.assert_close(
        got, segments.attend(q, k, v, lengths, window, 0.0, None), rtol=0.02, atol=0.02
    )
