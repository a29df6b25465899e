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


def test_the_parts_sum_up(files: ModelFiles) -> None:
    found = estimated(files)
    parts = (found.weights, found.gradients, found.optimizer, found.activations, found.logits, found.runtime)
    assert found.total == sum(parts)
    assert all(part > 0 for part in parts)


def test_what_changes_the_estimate(files: ModelFiles) -> None:
    plain = estimated(files)
    assert estimated(files, "bfloat16").weights < plain.weights
    assert estimated(files, tokens=200).activations == 2 * plain.activations
    assert estimated(files, tokens=200).logits == 2 * plain.logits
    assert estimated(files, gradient_checkpointing=True).activations < plain.activations
    assert estimated(files, lora_rank=16).gradients == 2 * plain.gradients
    full = estimated(files, finetuning_type="full")
    assert full.weights == files.parameters * 4
    assert full.optimizer == files.parameters * 8
    assert full.gradients > plain.gradients
