"""LoRA as it is asked for: which modules, how it begins, and that saved, merged and put on are the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from conch.config import TrainConfig, load_train
from conch.config.method import FreezeConfig, LoraConfig
from conch.config.model import ModelConfig
from conch.core.errors import ModelError, TrainingError
from conch.models.adapters import attach, freeze_layers, linear_names, new_lora
from conch.models.load import load_base
from conch.models.locate import Located
from tests.models.building import built
from tests.models.folders import add_adapter
from tests.tiny import tiny_model

LINEAR = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
IDS = torch.arange(5, 45)[None]


@pytest.fixture
def base(tiny_folder: Path) -> Any:
    config = ModelConfig(model_name_or_path=str(tiny_folder))
    return load_base(Located("tiny", tiny_folder), config, torch.float32).eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model.eval()(IDS).logits
    return found


def adapted(model: Any) -> set[str]:
    """The last parts of the names of the modules that bear an adapter."""
    return {
        name.split(".lora_A")[0].rpartition(".")[2]
        for name, _ in model.named_parameters()
        if "lora_A" in name
    }


@torch.no_grad()
def tune(model: Any, seed: int = 0) -> Any:
    """As training would: whatever may move, moves."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one, other, atol=1e-4, rtol=1e-4)


# new adapters

LORAS = {
    "all": LoraConfig(),
    "names": LoraConfig(lora_target=("q_proj", "v_proj"), lora_rank=2),
    "pissa": LoraConfig(pissa_init=True, pissa_iter=4, lora_rank=4, lora_target=("q_proj",)),
    "pissa exact": LoraConfig(pissa_init=True, pissa_iter=-1, lora_rank=4),
    "dora": LoraConfig(use_dora=True),
    "rslora": LoraConfig(use_rslora=True),
    "additional": LoraConfig(lora_target=("q_proj",), additional_target=("norm",)),
    "embeddings": LoraConfig(lora_target=("q_proj",), additional_target=("embed_tokens", "lm_head")),
}
each = pytest.mark.parametrize("config", LORAS.values(), ids=LORAS)


def test_all_is_every_linear_layer_but_the_head(base: Any) -> None:
    assert linear_names(base) == sorted([*LINEAR, "lm_head"])
    assert adapted(new_lora(base, LoraConfig())) == set(LINEAR)


def test_names_are_those_modules_only(base: Any) -> None:
    assert adapted(new_lora(base, LORAS["names"])) == {"q_proj", "v_proj"}


@each
def test_a_new_adapter_changes_nothing_yet(config: LoraConfig, base: Any) -> None:
    before = logits(base)
    assert close(logits(new_lora(base, config)), before)


@each
def test_only_the_adapter_trains(config: LoraConfig, base: Any) -> None:
    model = new_lora(base, config)
    moving = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert moving
    assert all("lora_" in name or "modules_to_save" in name for name in moving)
    for extra in config.additional_target:
        assert any(f"{extra}.modules_to_save" in name for name in moving)


@each
def test_saved_put_on_and_merged_answer_alike(config: LoraConfig, base: Any, tmp_path: Path) -> None:
    clean = copy.deepcopy(base)
    before = logits(base)
    model = tune(new_lora(base, config))
    tuned = logits(model)
    assert not close(tuned, before)
    model.save_pretrained(tmp_path / "adapter")
    torch.manual_seed(99)
    again = attach(clean, [tmp_path / "adapter"])
    assert close(logits(again), tuned)
    assert close(logits(again.merge_and_unload()), tuned)


def test_pissa_begins_with_the_base_s_own_directions(base: Any) -> None:
    """And what is frozen is what they leave over."""
    before = base.model.layers[0].self_attn.q_proj.weight.clone()
    layer = new_lora(base, LORAS["pissa exact"]).base_model.model.model.layers[0].self_attn.q_proj
    part = layer.lora_B["default"].weight @ layer.lora_A["default"].weight * layer.scaling["default"]
    assert torch.allclose(layer.base_layer.weight + part, before, atol=1e-5)
    singular = torch.linalg.svdvals(before)
    assert torch.allclose(torch.linalg.svdvals(part)[:4], singular[:4], atol=1e-4)


def test_putting_an_adapter_on_draws_no_random_numbers(base: Any, tiny_adapter: Path) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    attach(base, [tiny_adapter])
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        (LoraConfig(lora_rank=4), 2.0),
        (LoraConfig(lora_rank=4, lora_alpha=4), 1.0),
        (LoraConfig(lora_rank=4, use_rslora=True), 4.0),
        (LoraConfig(lora_rank=16, lora_alpha=32, use_rslora=True), 8.0),
    ],
)
def test_the_scale(config: LoraConfig, scale: float, base: Any) -> None:
    """alpha / r, or alpha / √r with rsLoRA (Kalajdzievski 2023, arXiv:2312.03732)."""
    layer = new_lora(base, config).base_model.model.model.layers[0].self_attn.q_proj
    assert layer.scaling["default"] == pytest.approx(scale)


def test_dora_has_a_magnitude_for_each_output(base: Any) -> None:
    layer = new_lora(base, LORAS["dora"]).base_model.model.model.layers[0].self_attn.q_proj
    magnitude = layer.lora_magnitude_vector["default"].weight
    assert torch.allclose(magnitude, torch.linalg.vector_norm(layer.base_layer.weight, dim=1), atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        LoraConfig(lora_target=("q_porj",)),
        LoraConfig(lora_target=("q_proj", "nothing")),
        LoraConfig(additional_target=("x",)),
    ],
)
def test_a_module_that_is_not_there(config: LoraConfig, base: Any) -> None:
    with pytest.raises(TrainingError) as caught:
        new_lora(base, config)
    assert caught.value.key == "training.no_module"
    assert "q_proj" in caught.value.hint


# adapters that exist


@pytest.fixture
def second_adapter(tiny_folder: Path, tmp_path: Path) -> Path:
    return add_adapter(tiny_folder, tmp_path / "second", seed=2, target_modules=["k_proj", "down_proj"])


def test_adapters_are_put_on_one_after_another(base: Any, tiny_adapter: Path, second_adapter: Path) -> None:
    before = logits(base)
    first = logits(attach(copy.deepcopy(base), [tiny_adapter]))
    both = attach(copy.deepcopy(base), [tiny_adapter, second_adapter])
    assert not close(first, before)
    assert not close(logits(both), first)
    by_hand = attach(attach(copy.deepcopy(base), [tiny_adapter]).merge_and_unload(), [second_adapter])
    assert close(logits(both), logits(by_hand))
    assert adapted(both) == {"k_proj", "down_proj"}


def test_none_is_the_base_itself(base: Any) -> None:
    assert attach(base, []) is base


@pytest.mark.parametrize("trainable", [True, False])
def test_only_the_last_adapter_trains_and_only_if_asked(
    trainable: bool, base: Any, tiny_adapter: Path, second_adapter: Path
) -> None:
    model = attach(base, [tiny_adapter, second_adapter], trainable=trainable)
    moving = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert bool(moving) == trainable
    assert all("k_proj.lora" in name or "down_proj.lora" in name for name in moving)


def test_weights_that_are_missing(base: Any, tmp_path: Path, tiny_folder: Path) -> None:
    folder = add_adapter(tiny_folder, tmp_path / "a")
    (folder / "adapter_model.safetensors").unlink()
    not_put_on(base, folder, "models.bad_adapter")


def test_a_pickle_is_not_read(base: Any, tmp_path: Path, tiny_folder: Path) -> None:
    folder = add_adapter(tiny_folder, tmp_path / "a")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    not_put_on(base, folder, "models.pickle")


def test_weights_cut_short(base: Any, tmp_path: Path, tiny_folder: Path) -> None:
    folder = add_adapter(tiny_folder, tmp_path / "a")
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    not_put_on(base, folder, "models.bad_adapter")


@pytest.mark.parametrize("changes", [{"hidden_size": 64}, {"num_hidden_layers": 4}])
def test_an_adapter_of_another_model(changes: dict[str, Any], base: Any, tmp_path: Path) -> None:
    tiny_model(**changes).save_pretrained(tmp_path / "other")
    folder = add_adapter(tmp_path / "other", tmp_path / "a")
    error = not_put_on(base, folder, "models.bad_adapter")
    assert "state_dict" not in error.message
    assert ("other shapes" in error.message) == ("hidden_size" in changes)


def test_an_adapter_that_lacks_some_of_its_weights(base: Any, tmp_path: Path, tiny_folder: Path) -> None:
    folder = add_adapter(tiny_folder, tmp_path / "a")
    tensors = load_file(folder / "adapter_model.safetensors")
    save_file(dict(list(tensors.items())[:-2]), folder / "adapter_model.safetensors")
    not_put_on(base, folder, "models.bad_adapter")


def not_put_on(model: Any, folder: Path, key: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        attach(model, [folder])
    assert caught.value.key == key
    assert str(folder) in caught.value.message
    assert caught.value.hint
    return caught.value


# which of it training begins with


def settings(folder: Path, **changes: Any) -> TrainConfig:
    values = {"model_name_or_path": str(folder), "dataset": "magic_conch", "lora_target": "o_proj", **changes}
    return load_train(values=values).config


def test_training_goes_on_with_the_last_adapter(
    tiny_folder: Path, tiny_adapter: Path, second_adapter: Path
) -> None:
    config = settings(tiny_folder, adapter_name_or_path=f"{tiny_adapter},{second_adapter}")
    model = built(config)
    assert adapted(model) == {"k_proj", "down_proj"}
    assert any(parameter.requires_grad for parameter in model.parameters())


def test_create_new_adapter_merges_all_and_begins_anew(
    base: Any, tiny_folder: Path, tiny_adapter: Path, second_adapter: Path
) -> None:
    names = f"{tiny_adapter},{second_adapter}"
    model = built(settings(tiny_folder, adapter_name_or_path=names, create_new_adapter=True))
    assert adapted(model) == {"o_proj"}
    assert close(logits(model), logits(attach(base, [tiny_adapter, second_adapter])))


@pytest.mark.parametrize("anew", [True, False])
def test_a_model_that_is_an_adapter_is_gone_on_with_as_well(
    anew: bool, base: Any, tiny_adapter: Path
) -> None:
    model = built(settings(tiny_adapter, create_new_adapter=anew))
    assert adapted(model) == ({"o_proj"} if anew else {"q_proj", "v_proj"})
    assert close(logits(model), logits(attach(base, [tiny_adapter])))


def test_without_an_adapter_training_begins_with_a_new_one(tiny_folder: Path) -> None:
    assert adapted(built(settings(tiny_folder))) == {"o_proj"}


# freezing


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (FreezeConfig(freeze_trainable_layers=1), {"1"}),
        (FreezeConfig(freeze_trainable_layers=-1), {"0"}),
        (FreezeConfig(freeze_trainable_layers=2), {"0", "1"}),
        (FreezeConfig(freeze_trainable_layers=9), {"0", "1"}),
    ],
)
def test_the_layers_that_train(config: FreezeConfig, wanted: set[str], base: Any) -> None:
    freeze_layers(base, config)
    moving = [name for name, parameter in base.named_parameters() if parameter.requires_grad]
    assert {name.split(".")[2] for name in moving} == wanted


def test_the_modules_that_train(base: Any) -> None:
    config = FreezeConfig(freeze_trainable_modules=("mlp", "q_proj"), freeze_extra_modules=("norm",))
    freeze_layers(base, config)
    moving = {name for name, parameter in base.named_parameters() if parameter.requires_grad}
    assert "model.norm.weight" in moving
    assert all(".mlp." in name or ".q_proj." in name or name == "model.norm.weight" for name in moving)


def test_nothing_would_train(base: Any) -> None:
    with pytest.raises(TrainingError) as caught:
        freeze_layers(base, FreezeConfig(freeze_trainable_modules=("atention",)))
    assert "atention" in caught.value.message


def test_adapter_config_names_its_base(tiny_adapter: Path, tiny_folder: Path) -> None:
    config = json.loads((tiny_adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny_folder)
