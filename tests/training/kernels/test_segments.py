"""Packed rows: the fast attention equals the plain computation, in value and gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.data.batches import packed, padded
from conch.data.example import IGNORED, Example
from conch.training.kernels import segments
from conch.training.loss import score
from tests.tiny import ARCHITECTURES, tiny_model


def example(ids: list[int], masked: int) -> Example:
    return Example(ids, [IGNORED] * masked + ids[masked:])


examples = st.lists(
    st.tuples(st.lists(st.integers(3, 399), min_size=2, max_size=24), st.integers(0, 1)),
    min_size=1,
    max_size=5,
).map(lambda found: [example(ids, masked) for ids, masked in found])


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest):
    return tiny_model(request.param).double()


@settings(max_examples=15, deadline=None)
@given(found=examples)
def test_packed_equals_padded_in_loss_and_gradient(model, found) -> None:
    plain = score(model, padded(found, 0))
    plain.nll.backward()
    wanted = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    with segments.segmented(model):
        fast = score(model, packed(found))
    fast.nll.backward()
    assert fast.labels == plain.labels
    # the loss itself is taken in fp32
    torch.testing.assert_close(fast.nll, plain.nll, rtol=1e-5, atol=1e-5)
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, wanted[name], rtol=1e-4, atol=1e-5)
    model.zero_grad()


def test_the_attention_that_was_set_comes_back(model) -> None:
    before = model.config._attn_implementation
    with segments.segmented(model):
        assert model.config._attn_implementation == segments.NAME
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_probe_accepts_what_is_exact(architecture: str) -> None:
    assert segments.is_exact_for(tiny_model(architecture))


def test_the_probe_refuses_attention_that_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    real = segments.segment_attention

    def leaking(module, query, key, value, mask, segments=None, **rest):
        return real(module, query, key, value, mask, segments=[query.shape[2]], **rest)

    from transformers import AttentionInterface

    AttentionInterface.register(segments.NAME, leaking)
    try:
        assert not segments.is_exact_for(tiny_model("llama"))
    finally:
        AttentionInterface.register(segments.NAME, real)


def test_the_probe_refuses_positions_that_a_packed_row_would_shift() -> None:
    """GPT-2's learned positions are honoured through position_ids, so it may pass; a model without
    the attention interface must not raise."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=32, n_embd=16, n_layer=1, n_head=2)).eval()
    assert segments.is_exact_for(model) in {True, False}


def test_the_probe_refuses_recurrent_layers() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    torch.manual_seed(0)
    config = MambaConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, state_size=4, expand=2)
    assert not segments.is_exact_for(MambaForCausalLM(config).eval())
