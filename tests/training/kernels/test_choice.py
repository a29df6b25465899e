"""The whole fast path equals the plain model, on every architecture that we know; what differs stays out."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, get_peft_model

from conch.core.errors import TrainingError
from conch.data.batches import packed
from conch.models import fused
from conch.training.kernels import choice
from conch.training.kernels.int8 import Int8Linear, hold_in_int8, spare_outliers
from conch.training.kernels.segments import segmented
from conch.training.loss import score
from tests.tiny import ARCHITECTURES, tiny_model
from tests.training.kernels.test_segments import example

ROW = packed([example(list(range(3, 30)), 4), example(list(range(50, 61)), 1), example([7, 9, 8], 0)])


def with_lora(architecture: str, base=None, **settings):
    settings = {"target_modules": "all-linear", **settings}
    config = LoraConfig(r=4, task_type="CAUSAL_LM", **settings)
    base = base or tiny_model(architecture)
    torch.manual_seed(0)
    model = get_peft_model(base, config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero to begin with, which would hide mistakes in A's gradient
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    return model


def gradients(model, path: choice.FastPath) -> tuple[torch.Tensor, dict[str, torch.Tensor], int]:
    model.zero_grad()
    with segmented(model), path.applied():
        scored = score(model, ROW, head=path.head, accuracy=True)
        scored.nll.backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return scored.nll.detach(), found, scored.correct


def same(one, other) -> None:
    torch.testing.assert_close(one[0], other[0], rtol=1e-5, atol=1e-5)
    assert one[1].keys() == other[1].keys()
    assert one[2] == other[2]
    for name, gradient in one[1].items():
        scale = float(other[1][name].abs().max()) + 1e-9
        torch.testing.assert_close(gradient / scale, other[1][name] / scale, rtol=0, atol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_lora_trains_alike(architecture: str) -> None:
    model = with_lora(architecture)
    path = choice.choose(model)
    assert not path.left
    assert {"norm", "lora"} <= set(path.names)
    same(gradients(model, path), gradients(model, choice.PLAIN))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_full_training_is_alike(architecture: str) -> None:
    model = tiny_model(architecture)
    path = choice.choose(model)
    assert not path.left
    assert "lora" not in path.names
    same(gradients(model, path), gradients(model, choice.PLAIN))


@pytest.mark.parametrize("settings", [{"use_dora": True}, {"lora_dropout": 0.5}])
def test_variants_of_lora_stay_plain(settings: dict) -> None:
    path = choice.choose(with_lora("llama", **settings))
    assert "lora" not in path.names


def test_a_part_that_computes_something_else_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fused._offset
    monkeypatch.setattr(fused, "_offset", lambda *given: real(*given) + 1)
    model = with_lora("llama")
    path = choice.choose(model)
    assert path.left == ("norm",)
    assert {"lora", "head", "rotary", "swiglu"} <= set(path.names)
    same(gradients(model, path), gradients(model, choice.PLAIN))


def test_weights_that_train_in_bf16_stay_plain() -> None:
    assert choice.choose(tiny_model("llama").bfloat16()) == choice.PLAIN


def alike(one, other, allowed: float) -> None:
    """Loss and gradients near one another, as far as fewer bits let them be."""
    torch.testing.assert_close(one[0], other[0], rtol=0.02, atol=0)
    assert one[1].keys() == other[1].keys()
    for name, gradient in one[1].items():
        assert float((gradient - other[1][name]).norm()) <= allowed * float(other[1][name].norm()), name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"]])
def test_a_base_in_bf16_trains_as_in_fp32(architecture: str, targets: str | list[str]) -> None:
    exact, model = (with_lora(architecture, target_modules=targets) for _ in range(2))
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.bfloat16()
    path = choice.choose(model)
    assert path.half
    assert not path.left
    alike(gradients(model, path), gradients(exact, choice.PLAIN), 0.1)
    assert all(p.dtype == torch.float32 for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("targets", ["all-linear", ["q_proj", "down_proj"]])
def test_a_base_in_int8_trains_as_in_fp32(architecture: str, targets: str | list[str]) -> None:
    exact = with_lora(architecture, target_modules=targets)
    base = tiny_model(architecture)
    hold_in_int8(base)
    spare_outliers(base, torch.arange(3, 30))
    held = [module for module in base.modules() if isinstance(module, Int8Linear)]
    assert all(module.spared is not None for module in held)
    model = with_lora(architecture, target_modules=targets, base=base)
    path = choice.choose(model)
    assert "lora" in path.names
    assert not path.left
    alike(gradients(model, path), gradients(exact, choice.PLAIN), 0.2)
    alike(gradients(model, path), gradients(model, choice.PLAIN), 0.05)


def test_int8_is_refused_where_the_processor_sums_it_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    multiply = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda a, b: multiply(a, b).clamp(-32768, 32767))
    with pytest.raises(TrainingError, match="int8"):
        hold_in_int8(tiny_model("llama"))


def test_a_model_without_linear_layers_is_refused() -> None:
    with pytest.raises(TrainingError, match="no linear layers"):
        hold_in_int8(tiny_model("llama"), spared=["proj"])


def test_linear_layers_in_int8_take_a_quarter() -> None:
    model = tiny_model("qwen2")
    linear = [m for m in model.modules() if type(m) is torch.nn.Linear and m is not model.lm_head]
    before = sum(m.weight.nbytes for m in linear)
    hold_in_int8(model)
    held = [m for m in model.modules() if isinstance(m, Int8Linear)]
    assert len(held) == len(linear)
    assert sum(m.weight.nbytes for m in held) * 4 == before
    assert type(model.lm_head) is torch.nn.Linear


def test_the_model_is_as_before_afterwards() -> None:
    model = with_lora("llama")
    path = choice.choose(model)
    before = {name: module.forward for name, module in model.named_modules()}
    with path.applied():
        assert model.get_output_embeddings() is path.head
        assert "forward" in vars(path.patches[0].owner)
    assert all("forward" not in vars(module) for module in model.modules())
    assert {name: module.forward for name, module in model.named_modules()} == before
    same(gradients(model, path), gradients(model, choice.PLAIN))


def test_generation_goes_on_inside() -> None:
    model = with_lora("qwen3")
    model.eval()
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    wanted = model.generate(input_ids=ids, max_new_tokens=5, do_sample=False)
    with choice.choose(model).applied():
        assert torch.equal(model.generate(input_ids=ids, max_new_tokens=5, do_sample=False), wanted)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_elsewhere_the_loss_alone_is_fused(architecture: str) -> None:
    model = with_lora(architecture)
    path = choice.loss_alone(model)
    assert path.names == ("head",)
    with torch.autocast("cpu", torch.bfloat16):
        alike(gradients(model, path), gradients(model, choice.PLAIN), 0.1)


def test_elsewhere_the_loss_of_full_tuning_is_fused() -> None:
    model = tiny_model("llama")
    path = choice.loss_alone(model)
    assert path.names == ("head",)
    with torch.autocast("cpu", torch.bfloat16):
        alike(gradients(model, path), gradients(model, choice.PLAIN), 0.1)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_the_loss_is_fused(dtype: torch.dtype) -> None:
    model = with_lora("llama", base=tiny_model("llama").to("cuda", dtype))
    assert choice.choose(model).names == ("head",)
