"""A located model in memory: its weights and nothing else's, in the format asked for."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from conch.config import load_train
from conch.config.model import ModelConfig
from conch.core.errors import ModelError
from conch.models.hardware import Device
from conch.models.load import LoadedModel, load, load_base, load_tokenizer, stored_dtype
from conch.models.locate import Located
from conch.training.ground import build_model
from tests.models.building import ground_of
from tests.models.folders import add_adapter
from tests.tiny import save_tiny

SLOW, FAST = Device("cpu", False, ""), Device("cpu", True, "")
IDS = torch.arange(5, 45)[None]


def loaded(
    folder: Path | str, device: Device = SLOW, dtype: str | None = None, **settings: Any
) -> LoadedModel:
    return load(ModelConfig(model_name_or_path=str(folder), **settings), dtype=dtype, device=device)


def refused(folder: Path, key: str, **settings: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        loaded(folder, **settings)
    assert caught.value.key == key
    assert caught.value.hint
    return caught.value


@torch.no_grad()
def logits(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    found: torch.Tensor = model(ids).logits.float()
    return found


@pytest.fixture
def copy(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be changed."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "copy"))


def change(file: Path, **values: Any) -> None:
    content = json.loads(file.read_text(encoding="utf-8")) | values
    file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


# weights


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "mistral", "gemma3_text"])
def test_the_weights_are_those_of_the_file(architecture: str, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / architecture, architecture)
    model = loaded(folder).model
    stored = load_file(folder / "model.safetensors")
    state = model.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in stored.items())
    assert not model.training


def test_name_and_place_are_kept(tiny_folder: Path) -> None:
    found = loaded(tiny_folder)
    assert (found.name, found.located.folder) == ("tiny-llama", tiny_folder)


def test_a_model_that_lacks_a_tensor_is_refused(copy: Path) -> None:
    """The library would fill it with random numbers."""
    file = copy / "model.safetensors"
    tensors = load_file(file)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, file, metadata={"format": "pt"})
    assert "model.layers.1.mlp.up_proj.weight" in refused(copy, "models.missing_weights").message


def test_weights_of_other_shapes_are_refused(copy: Path) -> None:
    change(copy / "config.json", intermediate_size=96)
    refused(copy, "models.cannot_load")


def test_an_unknown_architecture_is_refused(copy: Path) -> None:
    change(copy / "config.json", model_type="of_tomorrow", architectures=["OfTomorrow"])
    refused(copy, "models.cannot_load")


def test_from_scratch_is_the_same_shape_with_other_weights(tiny_folder: Path) -> None:
    torch.manual_seed(1)
    fresh, own = loaded(tiny_folder, train_from_scratch=True).model, loaded(tiny_folder).model
    assert {n: t.shape for n, t in fresh.state_dict().items()} == {
        n: t.shape for n, t in own.state_dict().items()
    }
    assert not torch.equal(fresh.model.embed_tokens.weight, own.model.embed_tokens.weight)


@pytest.mark.parametrize("kind", ["linear", "dynamic", "yarn"])
def test_scaled_rope_doubles_the_context(kind: str, tiny_folder: Path) -> None:
    config = loaded(tiny_folder, rope_scaling=kind).model.config
    assert config.max_position_embeddings == 1024
    assert config.rope_parameters["rope_type"] == kind
    assert config.rope_parameters["factor"] == 2.0


@pytest.mark.parametrize("attention", ["auto", "disabled", "sdpa"])
def test_attention_changes_nothing_but_speed(attention: str, tiny_folder: Path) -> None:
    found = loaded(tiny_folder, flash_attn=attention).model
    assert torch.allclose(logits(found), logits(loaded(tiny_folder).model), atol=1e-5)
    assert found.config._attn_implementation == {"disabled": "eager"}.get(attention, "sdpa")


# pickles


class Trap:
    """Writes a file when it is read as a pickle."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


PICKLES = ("pytorch_model.bin", "model.pt", "weights.pth", "model.ckpt", "model.pkl")


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_beside_the_weights_is_not_read(name: str, copy: Path, tmp_path: Path) -> None:
    (copy / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    loaded(copy)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", PICKLES)
def test_a_model_of_pickles_is_refused_unread(name: str, copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    assert name in refused(copy, "models.pickle").message
    assert not (tmp_path / "sprung").exists()


# code of its own

CODE = "raise SystemExit('code of the model ran')\n"


def test_code_that_comes_with_a_model_does_not_run(copy: Path) -> None:
    (copy / "modeling_own.py").write_text(CODE)
    change(copy / "config.json", auto_map={"AutoModelForCausalLM": "modeling_own.OwnModel"})
    assert "trust_remote_code=true" in refused(copy, "models.remote_code").hint


def test_code_that_comes_with_a_tokenizer_does_not_run(copy: Path) -> None:
    (copy / "tokenization_own.py").write_text(CODE)
    own = {"AutoTokenizer": ["tokenization_own.OwnTokenizer", None]}
    change(copy / "tokenizer_config.json", auto_map=own, tokenizer_class="OwnTokenizer")
    with pytest.raises(ModelError) as caught:
        loaded(copy)
    assert caught.value.key in {"models.remote_code", "models.no_tokenizer"}


# number formats


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> dict[str, Path]:
    """The tiny model stored in each format."""
    folders = {}
    for name in ("float32", "bfloat16", "float16"):
        folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp(name) / name))
        tensors = load_file(folder / "model.safetensors")
        shorter = {key: tensor.to(getattr(torch, name)) for key, tensor in tensors.items()}
        save_file(shorter, folder / "model.safetensors", metadata={"format": "pt"})
        folders[name] = folder
    return folders


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_the_stored_format_is_known(name: str, halves: dict[str, Path]) -> None:
    assert stored_dtype(halves[name]) == name


@pytest.mark.parametrize(
    ("stored", "device", "settings", "wanted"),
    [
        ("float32", FAST, {}, "float32"),
        ("bfloat16", FAST, {}, "bfloat16"),
        ("bfloat16", SLOW, {}, "float32"),
        ("float16", SLOW, {}, "float32"),
        ("bfloat16", FAST, {"infer_dtype": "float32"}, "float32"),
        ("float32", SLOW, {"infer_dtype": "bfloat16"}, "bfloat16"),
        ("float32", SLOW, {"infer_dtype": "bfloat16", "dtype": "float32"}, "float32"),
        ("float32", SLOW, {"dtype": "bfloat16"}, "bfloat16"),
    ],
)
def test_the_format_in_memory(
    stored: str, device: Device, settings: dict[str, Any], wanted: str, halves: dict[str, Path]
) -> None:
    model = loaded(halves[stored], device, **settings).model
    assert {parameter.dtype for parameter in model.parameters()} == {getattr(torch, wanted)}


# tokenizer and template


def test_a_padding_token_is_ensured(copy: Path) -> None:
    change(copy / "tokenizer_config.json", pad_token=None)
    tokenizer = load_tokenizer(copy, ModelConfig(model_name_or_path="x"))
    assert tokenizer.pad_token == tokenizer.eos_token


@pytest.mark.parametrize("special", [True, False])
def test_added_tokens_are_one_token_each(special: bool, tiny_folder: Path) -> None:
    key = "add_special_tokens" if special else "add_tokens"
    found = loaded(tiny_folder, **{key: ("<think>", "</think>")})
    assert len(found.tokenizer.encode("<think>", add_special_tokens=False)) == 1
    assert ("<think>" in found.tokenizer.all_special_tokens) == special
    assert found.model.get_input_embeddings().num_embeddings >= len(found.tokenizer)
    plain = loaded(tiny_folder).model
    assert torch.allclose(logits(found.model)[..., :400], logits(plain), atol=1e-5)


def test_a_model_without_a_tokenizer_is_refused(copy: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    refused(copy, "models.no_tokenizer")


@pytest.mark.parametrize(("own", "wanted"), [(None, {2}), (2, {2}), (7, {2, 7}), ([7, 8], {2, 7, 8})])
def test_what_ends_an_answer(own: Any, wanted: set[int], copy: Path) -> None:
    """The template's end of turn (token 2 here) and whatever the model's own settings name."""
    change(copy / "generation_config.json", eos_token_id=own)
    change(copy / "config.json", eos_token_id=own)
    assert loaded(copy).stop_ids() == wanted


def test_a_template_may_be_given(tiny_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.jinja"
    file.write_text("{% for m in messages %}[{{ m['content'] }}]{% endfor %}")
    found = load(ModelConfig(model_name_or_path=str(tiny_folder)), device=SLOW, template=str(file))
    assert found.template().source == file.read_text()


# adapters


def test_an_adapter_is_put_on(tiny_folder: Path, tiny_adapter: Path) -> None:
    plain, on_top = loaded(tiny_folder), loaded(tiny_folder, adapter_name_or_path=(str(tiny_adapter),))
    itself = loaded(tiny_adapter)
    assert not torch.allclose(logits(on_top.model), logits(plain.model), atol=1e-2)
    assert torch.allclose(logits(on_top.model), logits(itself.model), atol=1e-5)
    assert on_top.located.adapters == itself.located.adapters == (tiny_adapter,)


def test_a_model_is_no_adapter(tiny_folder: Path) -> None:
    refused(tiny_folder, "models.bad_adapter", adapter_name_or_path=(str(tiny_folder),))


def test_an_adapter_s_own_tokenizer_goes_first(tiny_folder: Path, tmp_path: Path) -> None:
    adapter = add_adapter(tiny_folder, tmp_path / "adapter")
    tokenizer = load_tokenizer(tiny_folder, ModelConfig(model_name_or_path="x"))
    tokenizer.chat_template = "own"
    tokenizer.save_pretrained(adapter)
    assert loaded(adapter).tokenizer.chat_template == "own"


@pytest.mark.parametrize("extra", ["", "embed_tokens,lm_head"])
def test_tokens_that_training_added_are_there_again(extra: str, tiny_folder: Path, tmp_path: Path) -> None:
    values = {"model_name_or_path": str(tiny_folder), "dataset": "magic_conch", "add_tokens": "<a>,<b>"}
    config = load_train(values=values | {"additional_target": extra}).config
    ground = ground_of(config)
    tuned = build_model(config, ground).eval()
    tokenizer = ground.tokenizer
    tuned.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")

    again = loaded(tmp_path / "adapter")
    ids = torch.tensor([again.tokenizer.encode("Who <a> are <b> you?", add_special_tokens=False)])
    assert ids.max() >= 400
    assert torch.allclose(logits(again.model, ids), logits(tuned, ids), atol=1e-4)


def test_the_base_alone_has_no_adapter(tiny_folder: Path) -> None:
    config = ModelConfig(model_name_or_path=str(tiny_folder))
    model = load_base(Located("x", tiny_folder), config, torch.float32)
    assert not hasattr(model, "peft_config")
