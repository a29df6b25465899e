"""The next token from logits: what the filters leave, and that chance does not go by rounding."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.inference.engine import Sampling
from conch.inference.sampling import Sampler

CPU = torch.device("cpu")
LOGITS = torch.tensor([0.0, 3.0, 1.0, 2.0, -torch.inf])


def drawn(logits: torch.Tensor, sampling: Sampling, times: int) -> list[int]:
    sampler = Sampler(sampling, (), CPU)
    return [sampler.pick(logits) for _ in range(times)]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), top_k=st.sampled_from([0, 40]))
def test_tokens_all_but_equally_likely_may_change_ranks(seed: int, top_k: int) -> None:
    """Whatever shares a batch changes the last bits of logits, and must not change the answer of a seed.

    (Which of two such tokens is the last of a nucleus does go by them.)
    """
    near = torch.randn(64, generator=torch.Generator().manual_seed(seed)).repeat_interleave(2)
    rounded = near.clone()
    near[::2] += 1e-6
    rounded[1::2] += 1e-6
    sampling = Sampling(temperature=1.0, seed=seed, top_k=top_k)
    assert drawn(near, sampling, 20) == drawn(rounded, sampling, 20)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, {0, 1, 2, 3}),
        ({"top_k": 2}, {1, 3}),
        ({"top_p": 0.85}, {1, 3}),  # 0.64, 0.24, 0.09, 0.03
        ({"top_p": 0.9}, {1, 3, 2}),
        ({"min_p": 0.2}, {1, 3}),
        ({"top_k": 3, "min_p": 0.2}, {1, 3}),
        ({"top_k": 1}, {1}),
    ],
)
def test_what_the_filters_leave(filters: dict[str, float], left: set[int]) -> None:
    assert set(drawn(LOGITS, Sampling(temperature=1.0, seed=0, **filters), 500)) == left


def test_draws_are_as_frequent_as_the_model_says() -> None:
    counts = Counter(drawn(LOGITS, Sampling(temperature=1.0, seed=1), 4000))
    for token, share in enumerate(LOGITS.softmax(0).tolist()):
        assert counts[token] / 4000 == pytest.approx(share, abs=0.03)


def test_no_temperature_takes_the_likeliest() -> None:
    assert drawn(LOGITS, Sampling(temperature=0.0), 3) == [1, 1, 1]
