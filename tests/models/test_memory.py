"""The plan's count of trained parameters is what peft and the freezing really make trainable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from conch.config import TrainConfig, load_train
from conch.config.model import ModelConfig
from conch.models.adapters import freeze_layers, new_lora
from conch.models.headers import ModelFiles, read_model_files
from conch.models.load import load_base
from conch.models.locate import Located
from conch.models.memory import MemoryEstimate, estimate, trainable_parameters
from conch.training.kernels.segments import segmented
from tests.tiny import save_tiny


@pytest.fixture(scope="module", params=["llama", "qwen2", "gemma3_text"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tied and untied, with and without biases."""
    return save_tiny(tmp_path_factory.mktemp(request.param) / "tiny", request.param)


def settings(folder: Path, **changes: Any) -> TrainConfig:
    values = {"model_name_or_path": str(folder), "dataset": "magic_conch", **changes}
    return load_train(values=values).config


def base(folder: Path) -> Any:
    return load_base(Located("tiny", folder), ModelConfig(model_name_or_path=str(folder)), torch.float32)


def trainable(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


LORA: list[dict[str, Any]] = [
    {},
    {"lora_rank": 3, "lora_target": "q_proj,v_proj"},
    {"lora_target": "self_attn.q_proj,mlp.down_proj"},
    {"lora_target": "model.layers.1.self_attn.k_proj"},
    {"use_dora": True, "lora_rank": 4},
    {"use_rslora": True},
    {"pissa_init": True, "lora_target": "o_proj"},
    {"additional_target": "embed_tokens", "lora_target": "q_proj"},
    {"additional_target": "lm_head", "lora_target": "q_proj"},
    {"additional_target": "norm", "lora_target": "q_proj"},
    {"lora_target": "q_proj,lm_head"},
]


@pytest.mark.parametrize("changes", LORA, ids=str)
def test_lora_trains_as_many_parameters_as_the_plan_says(folder: Path, changes: dict[str, Any]) -> None:
    config = settings(folder, **changes)
    model = new_lora(base(folder), config.lora)
    assert trainable_parameters(read_model_files(folder), config) == trainable(model)


FREEZE: list[dict[str, Any]] = [
    {},
    {"freeze_trainable_layers": 1},
    {"freeze_trainable_layers": -1},
    {"freeze_trainable_layers": 99},
    {"freeze_trainable_modules": "mlp"},
    {"freeze_trainable_modules": "q_proj,down_proj", "freeze_trainable_layers": 1},
    {"freeze_extra_modules": "norm", "freeze_trainable_layers": 1},
    {"freeze_extra_modules": "embed_tokens"},
]


@pytest.mark.parametrize("changes", FREEZE, ids=str)
def test_freezing_trains_as_many_parameters_as_the_plan_says(folder: Path, changes: dict[str, Any]) -> None:
    config = settings(folder, finetuning_type="freeze", **changes)
    model = base(folder)
    freeze_layers(model, config.freeze)
    assert trainable_parameters(read_model_files(folder), config) == trainable(model)


def test_full_tuning_trains_every_parameter(folder: Path) -> None:
    config = settings(folder, finetuning_type="full")
    assert trainable_parameters(read_model_files(folder), config) == trainable(base(folder))


# bytes


@pytest.fixture
def files(tiny_folder: Path) -> ModelFiles:
    return read_model_files(tiny_folder)


def estimated(files: ModelFiles, dtype: str = "float32", tokens: int = 100, **changes: Any) -> MemoryEstimate:
    return estimate(files, settings(files.folder, **changes), dtype, tokens, tokens // 2)


def test_the_peak_is_more_than_any_part_and_less_than_all(files: ModelFiles) -> None:
    found = estimated(files)
    parts = (found.weights, found.gradients, found.optimizer, found.activations, found.logits, found.runtime)
    assert all(part > 0 for part in parts)
    assert max(parts) < found.total < sum(parts)


def test_gradients_that_wait_for_more_are_there_at_the_peak(files: ModelFiles) -> None:
    alone = estimated(files, tokens=1000, finetuning_type="full")
    gathered = estimated(files, tokens=1000, finetuning_type="full", gradient_accumulation_steps=2)
    assert gathered.total - alone.total == alone.gradients


def test_weights_of_another_format_are_there_twice_while_they_are_read(files: ModelFiles) -> None:
    """The tiny model is stored in fp32."""
    found = estimated(files, "bfloat16", tokens=1, lora_rank=1)
    bare = files.parameters * 4 + found.weights + found.runtime
    assert found.total >= bare


def test_what_changes_the_estimate(files: ModelFiles) -> None:
    plain = estimated(files)
    assert estimated(files, "bfloat16").weights < plain.weights
    more = estimated(files, tokens=300).activations - estimated(files, tokens=200).activations
    assert more == estimated(files, tokens=200).activations - plain.activations > 0
    assert estimated(files, tokens=200).logits == 2 * plain.logits
    assert estimated(files, lora_rank=16).gradients == 2 * plain.gradients
    full = estimated(files, finetuning_type="full")
    assert full.weights == files.parameters * 4
    assert full.optimizer == files.parameters * 8
    assert full.gradients > plain.gradients


def test_checkpointing_counts_unless_it_is_forbidden(tmp_path: Path) -> None:
    files = read_model_files(save_tiny(tmp_path / "tiny", num_hidden_layers=12))
    many = 10_000  # so that compiled kernels, which are there anyway, weigh little
    plain = estimated(files, tokens=many).activations
    assert estimated(files, tokens=many, gradient_checkpointing=True).activations < 0.6 * plain
    forbidden = {"gradient_checkpointing": True, "disable_gradient_checkpointing": True}
    assert estimated(files, tokens=many, **forbidden).activations == plain


COUNTED: list[tuple[str, dict[str, Any]]] = [
    ("float32", {}),
    ("float32", {"lora_target": "q_proj,v_proj"}),
    ("float32", {"lora_rank": 32, "lora_target": "q_proj,down_proj"}),
    ("bfloat16", {}),
    ("float32", {"finetuning_type": "full"}),
    ("bfloat16", {"finetuning_type": "full"}),
]


@pytest.mark.parametrize(("dtype", "changes"), COUNTED, ids=str)
def test_what_is_kept_of_a_token_is_what_torch_keeps(
    tmp_path: Path, dtype: str, changes: dict[str, Any]
) -> None:
    """Counted by a hook on every tensor that a packed forward saves: 100 tokens more."""
    folder = save_tiny(tmp_path / "tiny", hidden_size=128, intermediate_size=384, num_hidden_layers=8)
    config = settings(folder, **changes)
    model = base(folder)
    if config.method.finetuning_type == "lora":
        model = new_lora(model.to(getattr(torch, dtype)), config.lora)
    counted = saved_bytes(model, 300, dtype) - saved_bytes(model, 200, dtype)
    files = read_model_files(folder)
    more, fewer = (estimate(files, config, dtype, tokens, 0, device="cuda") for tokens in (300, 200))
    assert more.activations - fewer.activations == pytest.approx(counted, rel=0.05)


def saved_bytes(model: Any, tokens: int, dtype: str) -> int:
    """Bytes that a forward over packed tokens leaves for the backward pass, without parameters."""
    known = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in known:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    model.train()
    half = torch.arange(tokens // 2)
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16")
    with segmented(model), mixed, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(
            (torch.arange(tokens) % 400)[None],
            position_ids=torch.cat([half, half])[None],
            segments=[tokens // 2] * 2,
            use_cache=False,
            logits_to_keep=1,
        )
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    del output
    return total
