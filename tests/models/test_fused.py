"""A model with fused steps says what it said before, and is left alone where it would not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from transformers.models.llama import modeling_llama

from conch.inference.engine import Request, Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models import fused
from conch.models.fused import fuse, gated, norms
from conch.models.native import library
from tests.tiny import tiny_model

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler")
ASKED = [Request(tuple(range(5, 5 + n)), frozenset(), Sampling(max_new_tokens=20)) for n in (30, 3, 17)]
FAMILIES = ["llama", "qwen2", "qwen3", "gemma3_text", "mistral", "phi3"]


@pytest.fixture(autouse=True)
def plain_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put into transformers' files goes with the test."""
    for architecture in FAMILIES:
        for file in fused.rotary_files(tiny_model(architecture)):
            plain = getattr(file.apply_rotary_pos_emb, "conch_plain", file.apply_rotary_pos_emb)
            monkeypatch.setattr(file, "apply_rotary_pos_emb", plain)


@pytest.mark.parametrize("architecture", FAMILIES)
def test_a_fused_model_answers_as_before(architecture: str) -> None:
    model = tiny_model(architecture)
    before = TransformersEngine(model).complete(ASKED)
    tokens = torch.arange(5, 45).view(2, 20)
    with torch.inference_mode():
        logits = model(tokens).logits
    assert fuse(model)
    with torch.inference_mode():
        torch.testing.assert_close(model(tokens).logits, logits, atol=1e-4, rtol=1e-4)
    assert TransformersEngine(model).complete(ASKED) == before


def test_every_step_of_it_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, called = tiny_model("llama"), []
    for name in ("rms_norm", "swiglu", "turned"):
        monkeypatch.setattr(fused, name, _telling(getattr(fused, name), name, called))
    assert fuse(model)
    called.clear()
    with torch.inference_mode():
        model(torch.arange(8)[None])
    layers = model.config.num_hidden_layers
    assert called.count("rms_norm") == len(list(norms(model))) == 2 * layers + 1
    assert called.count("swiglu") == len(list(gated(model))) == layers
    assert called.count("turned") == 2 * layers


def _telling(function: Any, name: str, called: list[str]) -> Any:
    def tell(*arguments: Any) -> Any:
        called.append(name)
        return function(*arguments)

    return tell


def test_gradients_are_as_before() -> None:
    model, fast = tiny_model("llama"), tiny_model("llama")
    fuse(fast)
    for each in (model, fast):
        each(torch.arange(8)[None]).logits.sum().backward()
    for one, other in zip(model.parameters(), fast.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_what_computes_otherwise_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that is called like another and isn't."""

    class OddRMSNorm(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.weight, self.eps = nn.Parameter(torch.ones(size)), 1e-6

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x / x.abs().amax(-1, keepdim=True) * self.weight

    model = tiny_model("llama")
    model.model.norm = OddRMSNorm(model.config.hidden_size)
    rotary = modeling_llama.apply_rotary_pos_emb
    tokens = torch.arange(5, 13)[None]
    with torch.inference_mode():
        logits = model(tokens).logits
        assert not fuse(model)
        assert torch.equal(model(tokens).logits, logits)
    assert modeling_llama.apply_rotary_pos_emb is rotary
    assert "forward" not in vars(model.model.norm)


def test_a_model_that_takes_no_text_is_left_alone() -> None:
    assert not fuse(nn.Linear(4, 4))


def test_rotary_positions_that_do_not_suit_are_plain_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier model of the same file fused them."""
    model, tokens = tiny_model("llama"), torch.arange(5, 13)[None]
    now = modeling_llama.apply_rotary_pos_emb
    plain = getattr(now, "conch_plain", now)

    def unsuited(q: torch.Tensor, k: torch.Tensor, *rest: Any, **more: Any) -> Any:
        return q, k

    unsuited.conch_plain = plain
    monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", plain)
    with torch.inference_mode():
        logits = model(tokens).logits
    monkeypatch.setattr(modeling_llama, "apply_rotary_pos_emb", unsuited)
    with torch.inference_mode():
        assert not fuse(model)
        assert torch.equal(model(tokens).logits, logits)
    assert modeling_llama.apply_rotary_pos_emb is plain


def test_a_norm_that_takes_more_is_left_alone_and_all_others_with_it() -> None:
    class GatedRMSNorm(nn.Module):
        def __init__(self, size: int) -> None:
            super().__init__()
            self.weight, self.eps = nn.Parameter(torch.ones(size)), 1e-6

        def forward(self, x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
            return x * gate * self.weight

    model = tiny_model("llama")
    model.unused = GatedRMSNorm(model.config.hidden_size)
    assert not fuse(model)
    assert not any("forward" in vars(module) for module in model.modules())
