"""Layers packed for answering compute what they computed before, for each row the same in any company."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from conch.inference.engine import Request, Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models import packed
from conch.models.native import library
from conch.models.packed import PackedLinear, pack, packed_weight, product
from tests.tiny import tiny_model

PAYS = packed._pays
pytestmark = pytest.mark.skipif(library() is None, reason="there is no C compiler")
SIZES = {"hidden_size": 64, "intermediate_size": 80, "head_dim": 16}
ASKED = Request(tuple(range(5, 40)), frozenset(), Sampling(max_new_tokens=20))


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is faster."""
    monkeypatch.setattr(packed, "_pays", lambda weight: True)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 32, 100])
@pytest.mark.parametrize(("inputs", "outputs"), [(64, 16), (65, 48), (576, 192), (1, 16)])
def test_products_are_right_and_the_same_alone(rows: int, inputs: int, outputs: int) -> None:
    torch.manual_seed(rows)
    x, weight = torch.randn(rows, inputs), torch.randn(outputs, inputs)
    found = product(x, packed_weight(weight))
    torch.testing.assert_close(found, (x.double() @ weight.double().T).float(), atol=1e-4, rtol=1e-4)
    for row in range(rows):
        assert torch.equal(product(x[row : row + 1], packed_weight(weight))[0], found[row])


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_a_packed_model_answers_as_before(architecture: str) -> None:
    model = tiny_model(architecture, **SIZES)
    before = TransformersEngine(model).complete([ASKED])
    tokens = torch.arange(5, 40)[None]
    with torch.inference_mode():
        logits = model(tokens).logits
    count = sum(type(module) is nn.Linear for module in model.modules())
    assert pack(model) == count
    with torch.inference_mode():
        torch.testing.assert_close(model(tokens).logits, logits, atol=1e-4, rtol=1e-4)
    assert TransformersEngine(model).complete([ASKED]) == before


def test_what_has_its_weight_elsewhere_too_leaves_it_there() -> None:
    model = tiny_model("llama", **SIZES)
    weight = model.lm_head.weight.detach().clone()
    pack(model)
    assert torch.equal(model.get_input_embeddings().weight, weight)
    assert torch.equal(model.lm_head.weight, weight)


def test_layers_with_one_weight_between_them_keep_one() -> None:
    model = nn.Sequential(nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False))
    model[1].weight = model[0].weight
    x = torch.randn(3, 64)
    before = model(x).detach()
    assert packed.pack(model) == 2
    assert model[0].packed is model[1].packed
    with torch.inference_mode():
        assert torch.allclose(model(x), before, atol=1e-4)


def test_adapters_come_and_go_on_packed_layers(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    targets = LoraConfig(target_modules=["q_proj", "down_proj"], init_lora_weights=False, use_dora=True)
    get_peft_model(tiny_model("llama", **SIZES), targets).save_pretrained(tmp_path / "a")
    plain, tight = (TransformersEngine(tiny_model("llama", **SIZES)) for _ in range(2))
    pack(tight.model)
    for engine in (plain, tight):
        engine.load_adapter("a", tmp_path / "a")
    shop = Request(ASKED.prompt, ASKED.stop_ids, ASKED.sampling, adapter="a")
    assert tight.complete([shop, ASKED]) == plain.complete([shop, ASKED])
    assert tight.complete([shop]) != tight.complete([ASKED])
    tight.unload_adapter("a")
    assert tight.complete([ASKED]) == plain.complete([ASKED])


def test_what_does_not_suit_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pack(tiny_model("llama", **SIZES).bfloat16()) == 0
    assert pack(nn.Sequential(nn.Linear(64, 20), nn.Linear(8, 64))) == 0
    monkeypatch.setattr(packed, "_pays", lambda weight: False)
    model = tiny_model("llama", **SIZES)
    assert pack(model) == 0
    assert not any(isinstance(module, PackedLinear) for module in model.modules())


def test_it_is_tried_first(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.randn(64, 64)
    times = iter([1.0, 2.0] * 3)
    monkeypatch.setattr(packed, "_seconds", lambda compute: next(times))
    assert PAYS(weight)
    times = iter([2.0, 1.0] * 3)
    assert not PAYS(weight)
    monkeypatch.setattr(packed, "product", lambda x, held: torch.zeros(len(x), 64))
    assert not PAYS(weight)
    monkeypatch.setattr(packed, "library", lambda: None)
    assert not PAYS(weight)
